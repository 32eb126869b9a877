"""A real installation where there is no C compiler."""

import json
import shutil
from importlib.util import find_spec

import pytest

from tests.environments import ROOT, environment, pip_install, run

SCRIPT = """
import numpy as np
from fastcnn import Sequential
from fastcnn import layers as L
x = np.random.default_rng(0).integers(0, 256, (32, 8, 8, 1), dtype=np.uint8)
for _ in range(2):
    model = Sequential([L.Conv2D(4, 3), L.Flatten(), L.Dense(3, activation="softmax")])
    model.compile("sgd")
    model.fit(x, np.arange(32) % 3, verbose=0)
print(model.backend)
"""


def sources(folder):
    """The package's sources, without what was built in place."""
    built = shutil.ignore_patterns("*.so", "_kernels.c", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "fastcnn", folder / "fastcnn", ignore=built)
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """(the Python of a fresh environment with the package in it, the log of the installation)"""
    folder = tmp_path_factory.mktemp("install")
    (folder / "src").mkdir()
    python = environment(folder / "env")
    return python, pip_install(python, sources(folder / "src"), "-v", CC="/bin/false")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("setuptools") is None, reason="needs setuptools to build")
class TestWithoutACompiler:
    def test_the_log_says_so(self, installed):
        assert "NO C COMPILER" in installed[1] and "fastcnn[numba]" in installed[1]

    def test_numba_serves_and_it_is_said_once(self, installed):
        done = run(installed[0], "-c", SCRIPT)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "numba"
        assert done.stderr.count("no compiled kernels") == 1

    def test_doctor(self, installed):
        done = run(installed[0], "-m", "fastcnn", "doctor", "--json")
        report = json.loads(done.stdout)
        assert report["ok"] and report["backend"] == "numba" and report["isas"] == []
        assert report["backends"] == ["numba", "reference"]

    def test_without_numba_the_error_says_what_to_install(self, installed):
        hidden = "import sys; sys.modules['numba'] = None\n"
        done = run(installed[0], "-c", hidden + SCRIPT)
        assert done.returncode != 0
        assert "pip install 'fastcnn[numba]'" in done.stderr.splitlines()[-1]
