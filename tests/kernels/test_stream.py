"""Outputs larger than the caches are stored past them: the same bits as those of smaller ones."""

import numpy as np
import pytest

from fastcnn.kernels import new_program
from fastcnn.kernels.aligned import aligned_zeros
from fastcnn.kernels.native import isas
from tests.kernels.conv2d_cases import CANARY, Case, gradient_problem

BLOCKS, LANES, CHANNELS, SIZE = 3, 16, 64, (34, 31)
LARGE = 12 << 20  # bytes: STREAM_BYTES in csrc/vec.h


def canaries():
    """Canaries around BLOCKS blocks of outputs, which begin on a cache line and are large."""
    shape = BLOCKS, CHANNELS + 1, SIZE[0] + 2, SIZE[1] + 3, LANES
    full = aligned_zeros(int(np.prod(shape)), np.dtype(np.float32)).reshape(shape)
    full[...] = CANARY
    view = full[:, :CHANNELS, 1:-1, 2:-1]
    assert view.nbytes >= LARGE > view[0].nbytes
    return full, view


def convolution(kernel, stride, pad=0, **changes):
    """Of few channels, to SIZE outputs."""
    size = tuple((n - 1) * stride + kernel - 2 * pad for n in SIZE)
    shapes = {"channels": 5, "outs": CHANNELS, "kernel": (kernel,) * 2, "size": size}
    steps = {"blocks": BLOCKS, "lanes": LANES, "stride": (stride,) * 2, "pad": (pad,) * 4}
    return Case(gradient_problem(**shapes, **steps, **changes))


def gradient(kernel, stride, pad=0):
    """For SIZE inputs of a convolution with few filters."""
    shapes = {"channels": CHANNELS, "outs": 5, "kernel": (kernel,) * 2, "size": SIZE}
    steps = {"blocks": BLOCKS, "lanes": LANES, "stride": (stride,) * 2, "pad": (pad,) * 4}
    return Case(gradient_problem(**shapes, **steps))


def forward_arguments(name, *shape, **changes):
    case = convolution(*shape, **changes)
    arrays = {"x": case.x, "w": case.w, "b": case.b}
    return name, arrays, "y", {**case.steps, **case.zeros, **case.act}


def gradient_arguments(name, *shape, with_y=False):
    case = gradient(*shape)
    dy, params = case.gradient_arrays()
    arrays = {"dy": dy, "w": case.w}
    if with_y:
        arrays["y"] = case.random(BLOCKS, CHANNELS, *SIZE, LANES)
        params |= case.act
    return name, arrays, "dx", params


CASES = {
    "1x1": lambda: forward_arguments("conv2d_forward", 1, 1, activation="relu"),
    "1x1, /2": lambda: forward_arguments("conv2d_forward", 1, 2, activation="linear"),
    "3x3": lambda: forward_arguments("conv2d_forward", 3, 1, 1, activation="sigmoid"),
    "3x3, /2": lambda: forward_arguments("conv2d_forward", 3, 2, activation="relu"),
    "gradient of 1x1": lambda: gradient_arguments("conv2d_backward_input", 1, 1, with_y=True),
    "gradient of 1x1, /2": lambda: gradient_arguments("conv2d_backward_input", 1, 2),
    "gradient of 3x3, /2": lambda: gradient_arguments("conv2d_backward_input", 3, 2, 1),
}


def run(isa, threads, name, arrays, params):
    program = new_program("native", isa)
    program.add(name, arrays, **params)
    program.run(threads=threads)


@pytest.mark.parametrize("isa", isas())
@pytest.mark.parametrize("case", CASES)
def test_large_outputs_have_the_bits_of_small_ones(case, isa):
    name, arrays, output, params = CASES[case]()
    (small, parts), (large, whole) = canaries(), canaries()
    by_block = {"x", "dy", "y"}
    for block in range(BLOCKS):
        one = {k: v[block : block + 1] if k in by_block else v for k, v in arrays.items()}
        run(isa, 1, name, one | {output: parts[block : block + 1]}, params)
    run(isa, 2, name, arrays | {output: whole}, params)
    np.testing.assert_array_equal(large, small)
