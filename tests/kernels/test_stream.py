"""Outputs larger than the caches are stored past them, unless their vectors are no whole lines."""

import numpy as np
import pytest

from fastcnn.kernels import new_program
from fastcnn.kernels.aligned import aligned_zeros
from fastcnn.kernels.native import isas
from tests.kernels.conv2d_cases import CANARY, Case, gradient_problem
from tests.kernels.test_pool2d import windows

BLOCKS, LANES, CHANNELS, SIZE = 3, 16, 64, (34, 31)
LARGE = 12 << 20  # bytes: STREAM_BYTES in csrc/vec.h


def canaries(offset):
    """Canaries around large outputs, which begin so many floats after a cache line."""
    shape = BLOCKS, CHANNELS + 1, SIZE[0] + 2, SIZE[1] + 3, LANES
    floats = int(np.prod(shape))
    full = aligned_zeros(offset + floats, np.dtype(np.float32))[offset:].reshape(shape)
    full[...] = CANARY
    view = full[:, :CHANNELS, 1:-1, 2:-1]
    assert view.nbytes >= LARGE
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


def batch_norm_arguments(with_z):
    shape = BLOCKS, CHANNELS, *SIZE, LANES
    arrays = {"x": values(*shape), "z": values(*shape) if with_z else None}
    for name in ("gamma", "moving_mean", "moving_var"):
        arrays[name] = np.ones(CHANNELS, np.float32)
    arrays |= {"mean": np.ones(CHANNELS), "inv_std": np.ones(CHANNELS)}
    arrays["order"] = np.arange(BLOCKS * LANES).reshape(BLOCKS, LANES)
    params = {"activation": "relu", "epsilon": 1e-3, "momentum": 0.9}
    return "batch_norm_forward", arrays, "y", params


def pool_arguments(kind, window, stride):
    """Forward to SIZE outputs."""
    size = [(n - 1) * stride + window - 2 for n in SIZE]
    arrays = {"x": values(BLOCKS, CHANNELS, *size, LANES)}
    if kind == "max":
        arrays["index"] = np.empty((BLOCKS, CHANNELS, *SIZE, LANES), np.uint8)
    return f"{kind}_pool2d_forward", arrays, "y", windows(window, stride, 1)


def pool_gradient_arguments(kind, window, stride):
    """For SIZE inputs."""
    pooled = [(n + 2 - window) // stride + 1 for n in SIZE]
    arrays = {"dy": values(BLOCKS, CHANNELS, *pooled, LANES)}
    if kind == "max":
        index = np.random.default_rng(1).integers(window**2, size=arrays["dy"].shape)
        arrays |= {"index": index.astype(np.uint8), "y": values(*arrays["dy"].shape)}
    activation = {"activation": "relu"} if kind == "max" else {}
    return f"{kind}_pool2d_backward", arrays, "dx", windows(window, stride, 1) | activation


def values(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


CASES = {
    "1x1": lambda: forward_arguments("conv2d_forward", 1, 1, activation="relu"),
    "1x1, /2": lambda: forward_arguments("conv2d_forward", 1, 2, activation="linear"),
    "3x3": lambda: forward_arguments("conv2d_forward", 3, 1, 1, activation="sigmoid"),
    "3x3, /2": lambda: forward_arguments("conv2d_forward", 3, 2, activation="relu"),
    "gradient of 1x1": lambda: gradient_arguments("conv2d_backward_input", 1, 1, with_y=True),
    "gradient of 1x1, /2": lambda: gradient_arguments("conv2d_backward_input", 1, 2),
    "gradient of 3x3, /2": lambda: gradient_arguments("conv2d_backward_input", 3, 2, 1),
    "batch norm": lambda: batch_norm_arguments(False),
    "batch norm and sum": lambda: batch_norm_arguments(True),
    "max pool": lambda: pool_arguments("max", 3, 1),
    "average pool": lambda: pool_arguments("avg", 3, 2),
    "gradient of max pool": lambda: pool_gradient_arguments("max", 3, 2),
    "gradient of average pool": lambda: pool_gradient_arguments("avg", 3, 1),
}


def run(isa, threads, name, arrays, params):
    program = new_program("native", isa)
    program.add(name, arrays, **params)
    program.run(threads=threads)


@pytest.mark.parametrize("isa", isas())
@pytest.mark.parametrize("case", CASES)
def test_both_ways_to_store_give_the_same(case, isa):
    name, arrays, output, params = CASES[case]()
    (streamed, whole_lines), (stored, split_lines) = canaries(0), canaries(1)
    run(isa, 2, name, arrays | {output: whole_lines}, params)
    run(isa, 1, name, arrays | {output: split_lines}, params)
    np.testing.assert_array_equal(streamed, stored)


@pytest.mark.parametrize("isa", isas())
def test_weight_gradient_of_a_dense_layer(isa):
    """dw are rows of a larger array, which begins at a cache line or a float after it."""
    rng = np.random.default_rng(0)
    x, dy = (rng.normal(size=(2, n, LANES)).astype(np.float32) for n in (3072, 1030))
    results = []
    for offset in (0, 1):
        floats = aligned_zeros(offset + 1032 * 3072, np.dtype(np.float32))
        full = floats[offset:].reshape(1032, 3072)
        full[...] = CANARY
        dw = full[1:-1]
        assert dw.nbytes >= LARGE
        run(isa, 2 - offset, "dense_backward_weight", {"x": x, "dy": dy, "dw": dw}, {})
        results.append(full)
    np.testing.assert_array_equal(*results)
