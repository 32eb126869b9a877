"""Kernels with bf16 operands: rounding, and errors beside those of float32."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.kernels.reference.bf16 import round_bf16
from fastcnn.kernels.reference.conv2d import windows
from tests.kernels.compare import as_float64, assert_native_matches_reference, makers, run
from tests.kernels.conv2d_cases import Case, canaries
from tests.kernels.conv2d_cases import problems as direct_problems
from tests.kernels.winograd_cases import (
    FORMS,
    backward_arrays,
    formed,
    forward_arrays,
    forward_params,
    problems,
    weight_arrays,
)


def bits(x):
    """By the definition, on the bits of float32: nearest, ties to even."""
    u = np.asarray(x, np.float32).view(np.uint32).astype(np.uint64)
    u = (u + 0x7FFF + (u >> 16 & 1)) & 0xFFFF0000
    return u.astype(np.uint32).view(np.float32)


def test_rounding_to_nearest_even():
    rng = np.random.default_rng(0)
    x = (rng.standard_normal(10000) * 10.0 ** rng.integers(-20, 20, 10000)).astype(np.float32)
    ties = np.array([1 + 2**-8, 1 + 3 * 2**-8, -1 - 2**-8, 2 - 2**-8, 0, np.inf], np.float32)
    for values in (x, ties):
        np.testing.assert_array_equal(round_bf16(values), bits(values))
        np.testing.assert_array_equal(round_bf16(values.astype(np.float64)), bits(values))
    assert np.isnan(round_bf16(np.float32([np.nan]))).all()


# ---- Winograd's kernels


def unsaturated(problem):
    """Sums as they are: the tolerance is one of sums, not of what an activation leaves of them."""
    return Case({**problem, "activation": "relu"})


@settings(deadline=None, max_examples=25)
@given(problems())
def test_winograd_forward_matches_reference(problem):
    case = unsaturated(problem)
    assert_native_matches_reference(
        "winograd_bf16_forward", forward_arrays(case), **forward_params(case)
    )


@settings(deadline=None, max_examples=25)
@given(problems(), st.sampled_from([1, 3]))
def test_winograd_backward_matches_reference(problem, shares):
    case = unsaturated(problem)
    arrays, params, _ = backward_arrays(case)
    assert_native_matches_reference("winograd_bf16_backward_input", arrays, **params, **case.act)
    arrays, dw = weight_arrays(case, shares)
    assert_native_matches_reference("winograd_bf16_backward_weight", arrays, kernel=dw.shape[2])


@settings(deadline=None, max_examples=15)
@given(problems())
def test_winograd_with_pooling_is_winograd_and_pooling(problem):
    """But for the last bits, which may decide between near ties."""
    case = Case({**problem, "activation": "linear"})
    size = case.out[0] // 2, case.out[1] // 2
    if 0 in size:
        return
    whole = forward_arrays(case)
    arrays = {**whole, "y": case.outputs(*size), "index": case.outputs(*size, dtype=np.uint8)}
    for backend, isa in makers("winograd_bf16_forward"):
        full = run("winograd_bf16_forward", whole, backend, 1, isa, **forward_params(case))["y"]
        wanted = windows(full)
        for threads in (1, 3):
            name = "winograd_bf16_max_pool_forward"
            got = run(name, arrays, backend, threads, isa, **forward_params(case))
            np.testing.assert_allclose(got["y"], wanted.max(axis=2), rtol=1e-4, atol=1e-4)
            chosen = np.take_along_axis(wanted, got["index"][:, :, None].astype(int), axis=2)
            np.testing.assert_allclose(got["y"], chosen[:, :, 0], rtol=1e-4, atol=1e-4)


def rms(x):
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))


@pytest.mark.parametrize("channels", [5, 64, 131])
@pytest.mark.parametrize("form", FORMS)
def test_sums_are_those_of_rounded_factors(form, channels):
    """On average far closer to the reference that rounds as well than to exact numbers."""
    shapes = {"channels": channels, "outs": 23, "size": (9, 14)}
    case = Case(formed(form, **shapes, lanes=16, blocks=2, pad=(1, 1, 1, 1), bias=False))
    backward, params, _ = backward_arrays(case, with_y=False)
    for direction, arrays, options in (
        ("forward", forward_arrays(case), {"side": form[1]}),
        ("backward_input", backward, params),
        ("backward_weight", weight_arrays(case)[0], {"kernel": form[0]}),
        ("backward_weight", weight_arrays(case, shares=2)[0], {"kernel": form[0]}),
    ):
        name = f"winograd_bf16_{direction}"
        (exact,) = run(f"winograd_{direction}", as_float64(arrays), "reference", **options).values()
        (wanted,) = run(name, as_float64(arrays), "reference", **options).values()
        for backend, isa in makers(name):
            (got,) = run(name, arrays, backend, 1, isa, **options).values()
            assert rms(got - wanted) < 0.1 * rms(wanted - exact)


# ---- direct convolution, of which rounding is exact: sums are compared as those of float32


@settings(deadline=None, max_examples=40)
@given(direct_problems(lanes=(16, 32)), st.booleans())
def test_direct_convolution_matches_reference(problem, with_y):
    case = Case({**problem, "groups": 1, "activation": "tanh"})
    arrays = forward_arrays(case)
    assert_native_matches_reference(
        "conv2d_bf16_forward", arrays, **case.steps, **case.zeros, **case.act
    )
    dy, params = case.gradient_arrays()
    p = case.p
    shape = (p["blocks"], p["channels"], *p["size"], p["lanes"])
    y = case.random(*shape) if with_y else None
    arrays = {"dy": dy, "w": case.w, "y": y, "dx": canaries(shape, case.dtype)}
    assert_native_matches_reference("conv2d_bf16_backward_input", arrays, **params, **case.act)
    dy = case.outputs(*case.out)
    dy[...] = case.random(*dy.shape)
    db = np.empty_like(case.b) if p["bias"] else None
    arrays = {"x": case.x, "dy": dy, "dw": np.empty_like(case.w), "db": db}
    assert_native_matches_reference(
        "conv2d_bf16_backward_weight", arrays, **case.steps, **case.zeros
    )
