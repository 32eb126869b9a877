"""Kernels that plugins make with the kit."""

import numpy as np
import pytest

from fastcnn.errors import BackendError, OptionError
from fastcnn.kernels import kit, new_program
from fastcnn.kernels.backends import BACKENDS
from fastcnn.kernels.kit import (
    each_pair,
    each_vector,
    exp,
    expm1,
    helper,
    kernel,
    log,
    log1p,
    scratch,
    sigmoid,
    split,
    tanh,
)
from fastcnn.kernels.spec import OPS

SHAPES = {"x": "B C H W L", "y": "> B C H W L"}
PAIR = {"x": "B C H W L", "z": "B C H W L", "y": "> B C H W L"}
FUNCTIONS = {
    "exp": (exp, np.exp),
    "expm1": (expm1, np.expm1),
    "log": (log, np.log),
    "log1p": (log1p, np.log1p),
    "sigmoid": (sigmoid, lambda x: 1 / (1 + np.exp(-x))),
    "tanh": (tanh, np.tanh),
}


@pytest.fixture(autouse=True)
def no_kernel_stays():
    before = dict(OPS)
    yield
    OPS.clear()
    OPS.update(before)


def images(seed=0, dtype=np.float32):
    return np.random.default_rng(seed).uniform(0.1, 0.9, (3, 2, 4, 5, 4)).astype(dtype)


def run(name, arrays, backend, threads=2, **params):
    program = new_program(backend)
    program.add(name, arrays, **params)
    program.run(threads=threads)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_vectors(name, backend):
    function, wanted = FUNCTIONS[name]

    @each_vector
    @helper
    def rule(x, constants):
        return function(x) * constants[0]

    @kernel(SHAPES, {"factor": 1.0}, name=f"test_{name}")
    def apply(work, x, y, factor):
        rule(work, x, y, (factor,))

    dtype, tolerance = (np.float64, 1e-12) if backend == "reference" else (np.float32, 1e-6)
    x, y = images(dtype=dtype), images(1, dtype)
    run(f"test_{name}", {"x": x, "y": y}, backend, factor=3.0)
    np.testing.assert_allclose(y, 3 * wanted(x), rtol=tolerance)


@pytest.mark.parametrize("backend", BACKENDS)
def test_pairs_scratch_and_absent_tensors(backend):
    @each_pair
    @helper
    def product(x, z, constants):
        return x * z

    @kernel({**PAIR, "sums": ">? float64 C"}, name="test_pair")
    @scratch(lambda arrays, params: 3)
    def pair(work, x, z, y, sums):
        product(work, x, z, y, ())
        begin, end = split(sums.size, work)
        for c in range(begin, end):
            work.scratch[2] = x[0, c, 0, 0, 0]
            sums[c] = work.scratch[2] + len(work.scratch) * 0

    x, z, y, sums = images(), images(1), images(2), np.zeros(2)
    run("test_pair", {"x": x, "z": z, "y": y}, backend)
    np.testing.assert_array_equal(y, x * z)
    run("test_pair", {"x": x, "z": z, "y": y, "sums": sums}, backend)
    np.testing.assert_array_equal(sums, x[0, :, 0, 0, 0])


def test_a_kernel_among_others_and_its_times():
    @kernel(SHAPES, {"times": 2}, name="test_whole_numbers")
    def whole(work, x, y, times):
        begin, end = split(x.shape[0], work)
        for b in range(begin, end):
            y[b] = times * x[b]

    for backend in BACKENDS:
        x, y, z = images(), images(1), images(2)
        program = new_program(backend)
        program.add("copy", {"x": x, "y": y})
        program.add("test_whole_numbers", {"x": y, "y": z}, times=5)
        program.add("copy", {"x": z, "y": y})
        program.run(blocks=2, threads=3)
        np.testing.assert_allclose(y[:2], 5 * x[:2], rtol=1e-6)
        np.testing.assert_array_equal(y[2], images(1)[2])
        if backend != "reference":
            names = ["copy", "test_whole_numbers", "copy"]
            assert [name for name, _ in program.step_seconds()] == names


def test_called_from_python():
    @kernel(SHAPES, {"factor": 2.0}, name="test_call")
    def scale(work, x, y, factor):
        begin, end = split(x.shape[0], work)
        for b in range(begin, end):
            y[b] = np.float32(factor) * x[b]

    x, y = images(), images(1)
    scale(x=x, y=y, factor=3.0)
    np.testing.assert_allclose(y, 3 * x, rtol=1e-6)
    assert scale.__name__ == "scale" and OPS["test_call"].python is scale


def test_errors(monkeypatch):
    with pytest.raises(OptionError, match="'numba' or 'numpy', not 'cuda'"):
        kernel(SHAPES, maker="cuda")
    with pytest.raises(OptionError, match="there is a kernel 'copy' already"):
        kernel(SHAPES, name="copy")(lambda work, x, y: None)
    monkeypatch.setattr(kit, "has_numba", lambda: False)
    with pytest.raises(BackendError, match=r"kit\.load needs numba: pip install"):
        kit.load  # noqa: B018
