"""A real installation where there is no C compiler."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
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
    """(the Python of a fresh environment with the package in it, the log of the installation)

    What the package needs is found where the tests find it."""
    folder = tmp_path_factory.mktemp("install")
    (folder / "src").mkdir()
    venv.create(folder / "env", symlinks=True)
    python = folder / "env" / "bin" / "python"
    (site,) = (folder / "env").glob("lib/python*/site-packages")
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps"]
    command += ["--no-build-isolation", "-v", sources(folder / "src")]
    environment = {**os.environ, "CC": "/bin/false"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return python, done.stdout + done.stderr


def run(python, *arguments):
    drop = ("PYTHONPATH", "FASTCNN_BACKEND")
    environment = {k: v for k, v in os.environ.items() if k not in drop}
    return subprocess.run(
        [python, *arguments], env=environment, cwd=python.parent, capture_output=True, text=True
    )


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
        done = run(installed[0], "-m", "fastcnn.cli", "doctor", "--json")
        report = json.loads(done.stdout)
        assert report["ok"] and report["backend"] == "numba" and report["isas"] == []
        assert report["backends"] == ["numba", "reference"]

    def test_without_numba_the_error_says_what_to_install(self, installed):
        hidden = "import sys; sys.modules['numba'] = None\n"
        done = run(installed[0], "-c", hidden + SCRIPT)
        assert done.returncode != 0
        assert "pip install 'fastcnn[numba]'" in done.stderr.splitlines()[-1]
