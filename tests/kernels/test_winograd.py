"""Winograd's kernels against their reference, and that against direct convolution.

The weight gradient alone: test_winograd_weight.py; rounding: test_winograd_error.py.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.errors import ShapeError
from fastcnn.kernels import call
from fastcnn.kernels.reference.activation import activation_slope
from fastcnn.kernels.reference.winograd import matrices
from tests.kernels.compare import as_float64, assert_native_matches_reference, run
from tests.kernels.conv2d_cases import Case, gradient_problem
from tests.kernels.winograd_cases import (
    FORMS,
    SHARES,
    backward_arrays,
    formed,
    forward_arrays,
    forward_params,
    problems,
    weight_arrays,
    weight_gradient,
)


def has_distinct_windows(case):
    """Whether no window has near ties, which rounding could settle differently."""
    out = case.outputs(*case.out)
    arrays = {"x": case.x, "w": case.w, "b": case.b, "y": out}
    full = run("conv2d_forward", as_float64(arrays), "reference")["y"]
    even = full[:, :, : case.out[0] // 2 * 2, : case.out[1] // 2 * 2]
    b, c, h, w, lanes = even.shape
    cells = even.reshape(b, c, h // 2, 2, w // 2, 2, lanes).transpose(0, 1, 2, 4, 6, 3, 5)
    ordered = np.sort(cells.reshape(b, c, h // 2, w // 2, lanes, 4))
    return (np.diff(ordered[..., 2:]) > 1e-4).all()


# ---- the algorithm


@pytest.mark.parametrize(("kernel", "side"), FORMS)
def test_one_tile_is_a_correlation(kernel, side):
    """y = A' [(G w) (B' x)] for every x and w, as an identity of matrices."""
    to_input, to_kernel, to_output = matrices(kernel, side, np.float64)
    got = np.einsum("ip,pt,px->itx", to_output, to_kernel, to_input)
    wanted = np.zeros((side + 1 - kernel, kernel, side))
    for i, tap in np.ndindex(wanted.shape[:2]):
        wanted[i, tap, i + tap] = 1
    np.testing.assert_allclose(got, wanted, atol=1e-14)


@settings(deadline=None, max_examples=30)
@given(problems(), SHARES)
def test_the_reference_is_direct_convolution(problem, shares):
    case = Case(problem, np.float64)
    arrays = forward_arrays(case)
    got = run("winograd_forward", arrays, "reference", **forward_params(case))["y"]
    wanted = run("conv2d_forward", arrays, "reference", **case.act)["y"]
    np.testing.assert_allclose(got, wanted, atol=1e-11)
    arrays, own, direct = backward_arrays(case)
    got = run("winograd_backward_input", arrays, "reference", **own, **case.act)["dx"]
    z = arrays.pop("z")
    wanted = run("conv2d_backward_input", {**arrays, "y": None}, "reference", **direct)["dx"]
    wanted = (wanted + z) * activation_slope(arrays["y"], **case.act)
    np.testing.assert_allclose(got, wanted, atol=1e-11)
    arrays, dw = weight_arrays(case, shares)
    got, db = weight_gradient(arrays, dw, "reference")
    plain = {"x": arrays["x"], "dy": arrays["dy"], "dw": dw, "db": db}
    wanted = run("conv2d_backward_weight", plain, "reference")
    np.testing.assert_allclose(got, wanted["dw"], atol=1e-10)
    if db is not None:
        np.testing.assert_allclose(db, wanted["db"], atol=1e-10)


# ---- the kernels


def check_forward(case):
    assert_native_matches_reference(
        "winograd_forward", forward_arrays(case), **forward_params(case)
    )


@settings(deadline=None, max_examples=40)
@given(problems())
def test_forward_matches_reference(problem):
    case = Case(problem)
    check_forward(case)


@settings(deadline=None, max_examples=40)
@given(problems(lanes=(1,)))
def test_single_images_match_reference(problem):
    case = Case(problem)
    check_forward(case)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("outs", [20, 33, 140])
def test_single_images_in_chunks_and_groups(form, outs):
    """More tiles than a chunk has, in rows wider than a vector; one, two and three groups."""
    shapes = {"channels": 19, "outs": outs, "size": (11, 37)}
    case = Case(formed(form, **shapes, lanes=1, blocks=2, pad=(1, 2, 1, 0)))
    case.w /= 4
    check_forward(case)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [(2, 3), (11, 37), (14, 15)])
def test_single_images_are_pooled(form, size):
    """A last odd row and column are left away."""
    shapes = {"channels": 19, "outs": 33, "size": size}
    pad = (form[0] // 2,) * 4
    case = Case(formed(form, **shapes, lanes=1, blocks=2, pad=pad))
    case.w /= 4
    y = case.outputs(case.out[0] // 2, case.out[1] // 2)
    arrays = {**forward_arrays(case), "y": y}
    assert_native_matches_reference(
        "winograd_single_max_pool_forward", arrays, **forward_params(case)
    )


@settings(deadline=None, max_examples=25)
@given(problems())
def test_max_pool_forward_matches_reference(problem):
    case = Case(problem)
    if not has_distinct_windows(case):
        return
    size = case.out[0] // 2, case.out[1] // 2
    arrays = {**forward_arrays(case), "y": case.outputs(*size)}
    arrays["index"] = case.outputs(*size, dtype=np.uint8)
    assert_native_matches_reference("winograd_max_pool_forward", arrays, **forward_params(case))


@settings(deadline=None, max_examples=40)
@given(problems(), st.booleans())
def test_backward_input_matches_reference(problem, with_y):
    case = Case(problem)
    arrays, params, _ = backward_arrays(case, with_y)
    assert_native_matches_reference("winograd_backward_input", arrays, **params, **case.act)


@pytest.mark.parametrize("form", FORMS)
def test_many_channels_and_chunks(form):
    """More channels than lie in L1 at a time, more tiles than a chunk has, more than one block."""
    shapes = {"channels": 131, "outs": 23, "size": (9, 30)}
    case = Case(formed(form, **shapes, lanes=16, blocks=2, pad=(1, 1, 1, 1)))
    case.w /= 10
    check_forward(case)
    arrays, params, _ = backward_arrays(case)
    assert_native_matches_reference("winograd_backward_input", arrays, **params, **case.act)
    for shares in (1, 2):
        arrays, _ = weight_arrays(case, shares)
        assert_native_matches_reference("winograd_backward_weight", arrays, kernel=form[0])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shares", [1, 3])
def test_what_lies_beyond_the_image_is_not_read(form, shares):
    """NaN around the view of x must not come into the last tiles."""
    case = Case(formed(form, size=(9, 7), lanes=16, pad=(0, 0, 0, 0)))
    whole = np.full((1, 2, 16, 16, 16), np.nan, np.float32)
    whole[:, :, :9, :7] = case.x
    arrays = {**forward_arrays(case), "x": whole[:, :, :9, :7]}
    assert np.isfinite(run("winograd_forward", arrays, "native", side=form[1])["y"]).all()
    arrays = {**weight_arrays(case, shares)[0], "x": arrays["x"]}
    arrays["dy"] = np.full((1, 2, 16, 16, 16), np.nan, np.float32)[
        :, :, : case.out[0], : case.out[1]
    ]
    arrays["dy"][...] = case.random(*arrays["dy"].shape)
    assert np.isfinite(
        run("winograd_backward_weight", arrays, "native", kernel=form[0])["sums"]
    ).all()


@settings(deadline=None, max_examples=40)
@given(problems(), SHARES)
def test_borders_need_not_be_in_memory(problem, shares):
    """The same as with borders of zeros, which the arrays of a case have."""
    case = Case(problem)
    top, bottom, left, right = case.p["pad"]
    size = case.x.shape
    inner = case.x[:, :, top : size[2] - bottom, left : size[3] - right]
    assert inner.shape[2:4] == case.p["size"]
    pads = {"pad_top": top, "pad_left": left}
    forward, params = forward_arrays(case), forward_params(case)
    expected = run("winograd_forward", forward, "native", **params)["y"]
    got = run("winograd_forward", {**forward, "x": inner}, "native", **pads, **params)["y"]
    np.testing.assert_array_equal(got, expected)
    weight, dw = weight_arrays(case, shares)
    params = {"kernel": dw.shape[2]}
    expected = run("winograd_backward_weight", weight, "native", **params)["sums"]
    weight["x"] = inner
    got = run("winograd_backward_weight", weight, "native", **params, **pads)["sums"]
    np.testing.assert_array_equal(got, expected)
    assert_native_matches_reference("winograd_backward_weight", weight, **params, **pads)
    backward, own, _ = backward_arrays(case)
    expected = run("winograd_backward_input", backward, "native", **own, **case.act)["dx"]
    rows, columns = own.pop("halo_top"), own.pop("halo_left")
    height, width = case.out
    backward["dy"] = backward["dy"][:, :, rows : rows + height, columns : columns + width]
    got = run("winograd_backward_input", backward, "native", **own, **case.act)["dx"]
    np.testing.assert_array_equal(got, expected)
    assert_native_matches_reference("winograd_backward_input", backward, **own, **case.act)


# ---- what is refused


@pytest.mark.parametrize(
    ("kernel", "lanes", "side", "message"),
    [
        ((4, 4), 16, 6, "3x3 or 5x5, not 4x4"),
        ((3, 3), 8, 6, "1 lane or a multiple of 16, not 8"),
        ((3, 3), 16, 5, "kernels of 3x3 have tiles of 4x4 or 6x6, not 5x5"),
        ((5, 5), 16, 4, "kernels of 5x5 have tiles of 6x6, not 4x4"),
        ((3, 5), 16, 6, "KS"),
    ],
)
def test_shapes_that_it_does_not_take(kernel, lanes, side, message):
    case = Case(gradient_problem(kernel=kernel, size=(9, 9), lanes=lanes))
    with pytest.raises(ShapeError, match=message):
        call("winograd_forward", forward_arrays(case), side=side)
