"""Kernels whose row says so may write an output over an input: the same bits."""

import numpy as np
import pytest

from fastcnn.kernels import new_program
from fastcnn.kernels.backends import BACKENDS
from fastcnn.kernels.spec import OPS
from tests.kernels.compare import run
from tests.kernels.halos import with_halo

SIZES = {"B": 2, "C": 3, "K": 4, "H": 5, "W": 7, "DH": 5, "DW": 7, "KS": 3, "L": 16}
PLACES = [
    (op.name, output, name)
    for op in OPS.values()
    for output, names in op.in_place.items()
    for name in names
]


def some_arrays(op):
    """Positive numbers of the row's shapes; activations with halos."""
    rng = np.random.default_rng(0)
    arrays = {}
    for name in op.tensors:
        shape = tuple(SIZES[axis] for axis in op.axes(name))
        dtype = {"float": "float32"}.get(op.dtype(name), op.dtype(name))
        values = rng.uniform(0.1, 2, shape).astype(dtype)
        arrays[name] = with_halo(values, (1, 0, 2, 1)) if len(shape) == 5 else values
    return arrays


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("kernel", "output", "place"), PLACES)
def test_an_output_over_an_input(kernel, output, place, backend):
    if not OPS[kernel].made_by(backend):
        pytest.skip(f"{backend} has no {kernel}")
    arrays = some_arrays(OPS[kernel])
    expected = run(kernel, arrays, backend, threads=2)
    program = new_program(backend)
    program.add(kernel, {**arrays, output: arrays[place]})
    program.run(threads=2)
    np.testing.assert_array_equal(arrays[place], expected.pop(output))
    for name, value in expected.items():
        np.testing.assert_array_equal(arrays[name], value)
