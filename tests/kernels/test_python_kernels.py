"""A plugin's kernel, a Python function, among the others of a program."""

import numpy as np
import pytest

from fastcnn.errors import BackendError, OptionError
from fastcnn.kernels import new_program
from fastcnn.kernels.backends import BACKENDS
from fastcnn.kernels.spec import OPS, Op, register_kernel

SHAPES = {"x": "B C H W L", "y": "> B C H W L"}


def scale(x, y, *, factor):
    y[...] = factor * x


@pytest.fixture
def scale_kernel():
    register_kernel(Op("test_scale", SHAPES, {"factor": 2.0}, python=scale))
    yield "test_scale"
    del OPS["test_scale"]


def images(seed=0):
    return np.random.default_rng(seed).standard_normal((3, 2, 4, 5, 16)).astype(np.float32)


@pytest.mark.parametrize("backend", BACKENDS)
def test_between_other_kernels(scale_kernel, backend):
    x, y, z = images(), images(1), images(2)
    program = new_program(backend)
    program.add("copy", {"x": x, "y": y})
    program.add(scale_kernel, {"x": y, "y": z}, factor=3.0)
    program.add("copy", {"x": z, "y": y})
    before = z[2].copy()
    program.run(blocks=2, threads=2)
    np.testing.assert_array_equal(y[:2], 3 * x[:2])
    np.testing.assert_array_equal(z[2], before)
    program.rebind(1, "x", x * 2)
    program.run()
    np.testing.assert_array_equal(y, 6 * x)


def test_step_seconds_names_every_step(scale_kernel):
    x, y = images(), images(1)
    program = new_program("native")
    program.add("copy", {"x": x, "y": y})
    program.add(scale_kernel, {"x": y, "y": y})
    assert [name for name, _ in program.step_seconds()] == ["copy", "test_scale"]


def test_a_name_is_taken_once(scale_kernel):
    register_kernel(Op("test_scale", SHAPES, {"factor": 2.0}, python=scale))  # the same module
    with pytest.raises(OptionError, match="there is a kernel 'copy' already"):
        register_kernel(Op("copy", SHAPES, python=scale))
    with pytest.raises(BackendError, match="needs a Python function"):
        register_kernel(Op("test_other", SHAPES))
