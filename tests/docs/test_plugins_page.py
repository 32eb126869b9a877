"""The code of docs/plugins.md runs as it stands."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import fastcnn

ROOT = Path(fastcnn.__file__).parent.parent
PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"


def files(text):
    """{file name: code}; a block that names no file goes on with the one before it."""
    found, name = {}, None
    for code in re.findall(r"```(?:python|cython)\n(.*?)```", text, re.DOTALL):
        first = re.match(r"# (\w+\.pyx?)\n", code)
        name = first[1] if first else name
        found[name] = found.get(name, "") + code
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files of the page, the extension built; None for what can't be built here."""
    path = tmp_path_factory.mktemp("plugins")
    for name, code in files(PAGE.read_text(encoding="utf-8")).items():
        (path / name).write_text(code, encoding="utf-8")
    return path


def run(folder, *command):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(find_spec("Cython") is None, reason="the extension needs Cython")
def test_a_layer_three_ways(folder):
    run(folder, sys.executable, "-m", "Cython.Build.Cythonize", "-i", "channel_scale_cython.pyx")
    assert "fast_scale" in run(folder, sys.executable, "try_it.py")


def test_an_optimizer_a_loss_and_a_callback(folder):
    said = run(folder, sys.executable, "use_them.py")
    assert "quantile" in said and "accuracy" in said


def test_all_pass_the_checks(folder):
    run(folder, sys.executable, "test_them.py")


CHECK = """
import channel_scale, channel_scale_numba, numpy as np
from fastcnn import Sequential
from fastcnn.kernels import new_program
from fastcnn.kernels.kit import kernel
rng = np.random.default_rng(0)
for dtype, backends in ((np.float32, ["native", "numba"]), (np.float64, ["reference"])):
    x, dy = rng.normal(size=(2, 3, 5, 4, 5, 4)).astype(dtype)
    w = rng.normal(size=5).astype(dtype)
    for backend in backends:
        for threads in (1, 2, 3):
            y, dw = np.empty_like(x), np.empty_like(w)
            program = new_program(backend)
            program.add("fast_scale", {"x": x, "w": w, "y": y})
            program.add("fast_scale_weight", {"x": x, "dy": dy, "dw": dw})
            program.run(blocks=2, threads=threads)
            np.testing.assert_allclose(y[:2], (x * w[:, None, None, None])[:2], rtol=1e-6)
            np.testing.assert_allclose(dw, (x * dy)[:2].sum(axis=(0, 2, 3, 4)), rtol=1e-4)
            program.rebind(0, "x", 2 * x)
            program.run(blocks=2, threads=threads)
            np.testing.assert_allclose(y[:2], (2 * x * w[:, None, None, None])[:2], rtol=1e-6)
"""


def test_its_numba_kernels_on_every_backend(folder):
    run(folder, sys.executable, "-c", CHECK)


def test_every_name_of_the_kit_is_on_the_page():
    from fastcnn.kernels import kit

    text = PAGE.read_text(encoding="utf-8")
    names = [name for names in kit.HELPERS.values() for name in names]
    assert not [name for name in names if f"`{name}" not in text and name not in text]
    assert all(getattr(kit, name) is not None for name in names)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        kit.nothing  # noqa: B018
    assert np.isscalar(kit.VW)
