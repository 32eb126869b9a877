"""Numba programs: threads, forks, where compiled kernels are kept, registers of the inner loops."""

import multiprocessing
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core import types

import fastcnn
from fastcnn.kernels import call, new_program
from fastcnn.kernels.numba_.conv2d_tiles import make_tile
from fastcnn.kernels.numba_.emit import VW, Pointer

ROOT = Path(fastcnn.__file__).parent.parent


def add_program():
    x, y = np.ones((4, 2, 3, 3, 16), np.float32), np.zeros((4, 2, 3, 3, 16), np.float32)
    program = new_program("numba")
    program.add("add", {"x": x, "z": x, "y": y})
    program.add("copy", {"x": y, "y": x})
    return program, y


def _child(queue):
    program, y = add_program()
    program.run(threads=2)
    program.step_seconds(threads=2)
    queue.put(float(y.min()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_program_runs_in_a_forked_child():
    add_program()[0].run(threads=2)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_child, args=(queue,))
    child.start()
    try:
        assert queue.get(timeout=60) == 4
    finally:
        child.kill()
        child.join()


def test_programs_run_in_several_python_threads_at_once():
    made = [add_program() for _ in range(4)]

    def work(program):
        for _ in range(50):
            program.run(threads=3)

    threads = [threading.Thread(target=work, args=(program,)) for program, _ in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
    for _, y in made:
        assert (y == 2.0**50).all()


def test_step_seconds_names_every_step():
    program, _ = add_program()
    seconds = program.step_seconds(threads=2)
    assert [name for name, _ in seconds] == ["add", "copy"] and all(s > 0 for _, s in seconds)


def test_denormals_are_flushed_and_the_caller_keeps_them():
    tiny = np.full((1, 1, 1, 1, 16), 1e-40, np.float32)
    y = np.ones_like(tiny)
    call("scale", {"x": tiny, "y": y}, "numba", factor=2.0)
    assert (y == 0).all()
    assert (tiny * np.float32(2) > 0).all()


CODE = """
import numpy as np
from fastcnn.kernels import call
from fastcnn.kernels.numba_.compiled import cache_dir
x = np.ones((1, 1, 1, 2, 4), np.float32)
y = np.zeros_like(x)
call("copy", {"x": x, "y": y}, "numba", threads=2)
assert (y == 1).all()
print(cache_dir())
"""


def cached_in(**variables):
    """The folder that a new process keeps its kernels in."""
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **variables}
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_compiled_kernels_are_kept_for_the_user(tmp_path):
    before = {path for path in ROOT.glob("fastcnn/**/*.nb?")}
    chosen = cached_in(NUMBA_CACHE_DIR=str(tmp_path / "chosen"))
    assert Path(chosen).parent == tmp_path / "chosen"
    assert any("copy" in path.name for path in Path(chosen).rglob("*.nbc"))
    own = cached_in(XDG_CACHE_HOME=str(tmp_path / "own"))
    assert Path(own).parent == tmp_path / "own" / "fastcnn" / "numba"
    assert {path for path in ROOT.glob("fastcnn/**/*.nb?")} == before, "written beside the sources"


def test_nowhere_to_keep_them(tmp_path):
    """As for a user without a home: a file stands where the folder would be."""
    (tmp_path / "file").touch()
    assert cached_in(XDG_CACHE_HOME=str(tmp_path / "file")) == "None"


@pytest.mark.skipif(VW != 16, reason="counts instructions of AVX-512")
def test_inner_loops_stay_in_registers():
    """24 sums, 4 columns and a weight: no vector of a tile goes to the stack."""
    number, floats = types.int64, Pointer(types.float32)
    place = [floats, floats, floats, floats, number, number, Pointer(types.int64)]
    rest = [number] * 3 + [types.float64] + [number] * 3
    tile = numba.njit(make_tile(6, 4).py_func)
    tile.compile((*place, *rest))
    (text,) = tile.inspect_asm().values()
    assert len(re.findall(r"vfmadd\d+ps\s.*%zmm", text)) >= 24
    assert not re.search(r"%zmm\d+, -?\d*\(%rsp\)", text), "sums are spilled"
