"""Depthwise 3x3 kernels of whole vectors of images: some rows at once, steps 1 and 2."""

import numpy as np
import pytest

from fastcnn.kernels import new_program
from tests.kernels.compare import assert_native_matches_reference
from tests.kernels.conv2d_cases import Case, canaries, gradient_problem

SIZES = [(3, 3), (4, 2), (7, 6), (10, 13), (21, 4)]
PADS = [(1, 1, 1, 1), (0, 1, 0, 1), (1, 2, 2, 0), (3, 2, 2, 3)]


def depthwise(size, pad, stride, **changes):
    shapes = {"groups": 3, "channels": 3, "outs": 3, "kernel": (3, 3), "blocks": 2}
    return Case(gradient_problem(**shapes, size=size, pad=pad, stride=(stride, stride), **changes))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("pad", PADS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("lanes", "activation"), [(16, "linear"), (16, "relu"), (32, "tanh"), (8, "relu")]
)
def test_depthwise_matches_reference(size, pad, stride, lanes, activation):
    case = depthwise(size, pad, stride, lanes=lanes, activation=activation)
    arrays = {"x": case.x, "w": case.w, "b": case.b, "y": case.outputs(*case.out)}
    assert_native_matches_reference(
        "conv2d_forward", arrays, **case.steps, **case.zeros, **case.act
    )
    dy, params = case.gradient_arrays()
    dx = canaries((2, 3, *size, lanes), np.float32)
    for y in (None, case.random(*dx.shape)):
        arrays = {"dy": dy, "w": case.w, "y": y, "dx": dx}
        assert_native_matches_reference("conv2d_backward_input", arrays, **params, **case.act)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [(3, 3), (7, 6), (40, 5)])
@pytest.mark.parametrize("lanes", [8, 16, 32])
@pytest.mark.parametrize("bias", [True, False])
def test_weight_gradient_matches_reference(size, stride, lanes, bias):
    case = depthwise(size, (1, 2, 2, 0), stride, lanes=lanes, bias=bias)
    dy = case.outputs(*case.out)
    dy[...] = case.random(*dy.shape)
    db = np.empty_like(case.b) if bias else None
    arrays = {"x": case.x, "dy": dy, "dw": np.empty_like(case.w), "db": db}
    assert_native_matches_reference("conv2d_backward_weight", arrays, **case.steps, **case.zeros)


def test_strips_of_inactive_blocks_do_not_count():
    """A block without images leaves the sums alone."""
    case = depthwise((20, 5), (1, 1, 1, 1), 1, lanes=16)
    dy = case.random(2, 3, *case.out, 16)
    found = []
    for x, d in ((case.x, dy), (case.x[:1], dy[:1])):
        dw, db = np.empty_like(case.w), np.empty_like(case.b)
        program = new_program()
        program.add("conv2d_backward_weight", {"x": x, "dy": d, "dw": dw, "db": db}, **case.steps)
        program.run(blocks=1)
        found.append((dw, db))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])
