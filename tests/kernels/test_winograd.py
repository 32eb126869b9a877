"""Winograd's kernels against their reference, and both against direct convolution."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.errors import ShapeError
from fastcnn.kernels import call
from fastcnn.kernels.reference.activation import activation_slope
from fastcnn.kernels.reference.winograd import SIDE, matrices
from tests.kernels.compare import as_float64, assert_native_matches_reference, run
from tests.kernels.conv2d_cases import ACTIVATIONS, Case, canaries, gradient_problem

# Of the largest errors in float32, against float64, the ratio to that of direct convolution. With
# fewer than 5 channels direct convolution rounds so little that it may reach 9. Its weight gradient
# is a sum over 16 times as many partial sums, one for each lane; hence the other bounds, by kernel.
ERROR_BOUND = 4.0
WEIGHT_ERROR_BOUND = {3: 10.0, 5: 18.0}

# Rounding decides on which side of a step a sum lies that ought to be 0.
STEPLESS = [name for name in ACTIVATIONS if name != "threshold"]


@st.composite
def problems(draw, lanes=(16, 32)):
    """Odd sizes, paddings and channel counts of what Winograd's kernels take."""
    kernel = draw(st.sampled_from([3, 5]))
    pad = draw(st.tuples(*[st.integers(0, 3)] * 4))
    least = [max(1, kernel + 1 - p - q) for p, q in zip(pad[::2], pad[1::2], strict=True)]
    return gradient_problem(
        blocks=draw(st.integers(1, 3)),
        channels=draw(st.integers(1, 9)),
        outs=draw(st.integers(1, 20)),
        kernel=(kernel, kernel),
        pad=pad,
        size=tuple(n + draw(st.integers(0, 12)) for n in least),
        lanes=draw(st.sampled_from(lanes)),
        bias=draw(st.booleans()),
        activation=draw(st.sampled_from(STEPLESS)),
        seed=draw(st.integers(0, 99)),
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


def forward_arrays(case):
    return {"x": case.x, "w": case.w, "b": case.b, "y": case.outputs(*case.out)}


def backward_arrays(case, with_y=True):
    p = case.p
    dy, params = case.gradient_arrays()
    shape = (p["blocks"], p["channels"], *p["size"], p["lanes"])
    y, z = [case.random(*shape) if with_y else None for _ in range(2)]
    arrays = {"dy": dy, "w": case.w, "y": y, "z": z, "dx": canaries(shape, case.dtype)}
    kept = ("pad_top", "pad_left", "halo_top", "halo_left")
    return arrays, {k: params[k] for k in kept}, params


def weight_arrays(case):
    """x, dy with canaries around, sums, db; and dw, which follows from sums."""
    p = case.p
    dy = case.outputs(*case.out)
    dy[...] = case.random(*dy.shape)
    sums = np.full((36, p["channels"], -(-p["outs"] // 16) * 16), np.nan, case.dtype)
    db = np.empty_like(case.b) if p["bias"] else None
    return {"x": case.x, "dy": dy, "sums": sums, "db": db}, np.empty_like(case.w)


def weight_gradient(arrays, dw, backend="native"):
    """(dw, db) of both kernels."""
    made = run("winograd_backward_weight", arrays, backend, kernel=dw.shape[2])
    dw = run("winograd_weight_gradient", {"sums": made["sums"], "dw": dw}, backend)["dw"]
    return dw, made.get("db")


# ---- the algorithm


@pytest.mark.parametrize("kernel", [3, 5])
def test_one_tile_is_a_correlation(kernel):
    """y = A' [(G w) (B' x)] for every x and w, as an identity of matrices."""
    to_input, to_kernel, to_output = matrices(kernel, np.float64)
    got = np.einsum("ip,pt,px->itx", to_output, to_kernel, to_input)
    wanted = np.zeros((SIDE + 1 - kernel, kernel, SIDE))
    for i, tap in np.ndindex(wanted.shape[:2]):
        wanted[i, tap, i + tap] = 1
    np.testing.assert_allclose(got, wanted, atol=1e-14)


@settings(deadline=None, max_examples=30)
@given(problems())
def test_the_reference_is_direct_convolution(problem):
    case = Case(problem, np.float64)
    arrays = forward_arrays(case)
    got = run("winograd_forward", arrays, "reference", **case.act)["y"]
    wanted = run("conv2d_forward", arrays, "reference", **case.act)["y"]
    np.testing.assert_allclose(got, wanted, atol=1e-11)
    arrays, own, direct = backward_arrays(case)
    got = run("winograd_backward_input", arrays, "reference", **own, **case.act)["dx"]
    z = arrays.pop("z")
    wanted = run("conv2d_backward_input", {**arrays, "y": None}, "reference", **direct)["dx"]
    wanted = (wanted + z) * activation_slope(arrays["y"], **case.act)
    np.testing.assert_allclose(got, wanted, atol=1e-11)
    arrays, dw = weight_arrays(case)
    got, db = weight_gradient(arrays, dw, "reference")
    plain = {"x": arrays["x"], "dy": arrays["dy"], "dw": dw, "db": arrays["db"]}
    wanted = run("conv2d_backward_weight", plain, "reference")
    np.testing.assert_allclose(got, wanted["dw"], atol=1e-10)
    if db is not None:
        np.testing.assert_allclose(db, wanted["db"], atol=1e-10)


# ---- the kernels


@settings(deadline=None, max_examples=40)
@given(problems())
def test_forward_matches_reference(problem):
    case = Case(problem)
    assert_native_matches_reference("winograd_forward", forward_arrays(case), **case.act)


@settings(deadline=None, max_examples=40)
@given(problems(lanes=(1,)))
def test_single_images_match_reference(problem):
    case = Case(problem)
    assert_native_matches_reference("winograd_forward", forward_arrays(case), **case.act)


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("outs", [20, 33, 140])
def test_single_images_in_chunks_and_groups(kernel, outs):
    """More tiles than a chunk has, in rows wider than a vector; one, two and three groups."""
    shapes = {"channels": 19, "outs": outs, "kernel": (kernel, kernel), "size": (11, 37)}
    case = Case(gradient_problem(**shapes, lanes=1, blocks=2, pad=(1, 2, 1, 0)))
    case.w /= 4
    assert_native_matches_reference("winograd_forward", forward_arrays(case), **case.act)


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("size", [(2, 3), (11, 37), (14, 15)])
def test_single_images_are_pooled(kernel, size):
    """A last odd row and column are left away."""
    shapes = {"channels": 19, "outs": 33, "kernel": (kernel, kernel), "size": size}
    pad = (kernel // 2,) * 4
    case = Case(gradient_problem(**shapes, lanes=1, blocks=2, pad=pad))
    case.w /= 4
    y = case.outputs(case.out[0] // 2, case.out[1] // 2)
    arrays = {**forward_arrays(case), "y": y}
    assert_native_matches_reference("winograd_single_max_pool_forward", arrays, **case.act)


@settings(deadline=None, max_examples=25)
@given(problems())
def test_max_pool_forward_matches_reference(problem):
    case = Case(problem)
    if not has_distinct_windows(case):
        return
    size = case.out[0] // 2, case.out[1] // 2
    arrays = {**forward_arrays(case), "y": case.outputs(*size)}
    arrays["index"] = case.outputs(*size, dtype=np.uint8)
    assert_native_matches_reference("winograd_max_pool_forward", arrays, **case.act)


@settings(deadline=None, max_examples=40)
@given(problems(), st.booleans())
def test_backward_input_matches_reference(problem, with_y):
    case = Case(problem)
    arrays, params, _ = backward_arrays(case, with_y)
    assert_native_matches_reference("winograd_backward_input", arrays, **params, **case.act)


@settings(deadline=None, max_examples=40)
@given(problems())
def test_backward_weight_matches_reference(problem):
    arrays, dw = weight_arrays(Case(problem))
    assert_native_matches_reference("winograd_backward_weight", arrays, kernel=dw.shape[2])
    sums = Case(problem).random(*arrays["sums"].shape)
    assert_native_matches_reference("winograd_weight_gradient", {"sums": sums, "dw": dw})


@pytest.mark.parametrize("kernel", [3, 5])
def test_many_channels_and_chunks(kernel):
    """More channels than lie in L1 at a time, more tiles than a chunk has, more than one block."""
    shapes = {"channels": 131, "outs": 23, "kernel": (kernel, kernel), "size": (9, 30)}
    case = Case(gradient_problem(**shapes, lanes=16, blocks=2, pad=(1, 1, 1, 1)))
    case.w /= 10
    assert_native_matches_reference("winograd_forward", forward_arrays(case), **case.act)
    arrays, params, _ = backward_arrays(case)
    assert_native_matches_reference("winograd_backward_input", arrays, **params, **case.act)
    arrays, _ = weight_arrays(case)
    assert_native_matches_reference("winograd_backward_weight", arrays, kernel=kernel)


@pytest.mark.parametrize("filters", [70, 150])
def test_groups_of_filters_of_the_weight_gradient(filters):
    shapes = {"channels": 14, "outs": filters, "kernel": (3, 3), "size": (7, 9), "blocks": 2}
    case = Case(gradient_problem(**shapes, lanes=16))
    assert_native_matches_reference("winograd_backward_weight", weight_arrays(case)[0])


@pytest.mark.parametrize("kernel", [3, 5])
def test_what_lies_beyond_the_image_is_not_read(kernel):
    """NaN around the view of x must not come into the last tiles."""
    case = Case(gradient_problem(kernel=(kernel, kernel), size=(9, 7), lanes=16, pad=(0, 0, 0, 0)))
    whole = np.full((1, 2, 16, 16, 16), np.nan, np.float32)
    whole[:, :, :9, :7] = case.x
    arrays = {**forward_arrays(case), "x": whole[:, :, :9, :7]}
    assert np.isfinite(run("winograd_forward", arrays, "native")["y"]).all()
    arrays = {**weight_arrays(case)[0], "x": arrays["x"]}
    arrays["dy"] = np.full((1, 2, 16, 16, 16), np.nan, np.float32)[
        :, :, : case.out[0], : case.out[1]
    ]
    arrays["dy"][...] = case.random(*arrays["dy"].shape)
    assert np.isfinite(
        run("winograd_backward_weight", arrays, "native", kernel=kernel)["sums"]
    ).all()


@settings(deadline=None, max_examples=40)
@given(problems())
def test_borders_need_not_be_in_memory(problem):
    """The same as with borders of zeros, which the arrays of a case have."""
    case = Case(problem)
    top, bottom, left, right = case.p["pad"]
    size = case.x.shape
    inner = case.x[:, :, top : size[2] - bottom, left : size[3] - right]
    assert inner.shape[2:4] == case.p["size"]
    pads = {"pad_top": top, "pad_left": left}
    forward = forward_arrays(case)
    expected = run("winograd_forward", forward, "native", **case.act)["y"]
    got = run("winograd_forward", {**forward, "x": inner}, "native", **pads, **case.act)["y"]
    np.testing.assert_array_equal(got, expected)
    weight, dw = weight_arrays(case)
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


# ---- the error


def largest_error(name, arrays, exact, **params):
    (got,) = run(name, arrays, "native", **params).values()
    return np.abs(got - exact).max() / np.abs(exact).max()


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("channels", [5, 7, 48])
@pytest.mark.parametrize("seed", range(3))
def test_error_is_bounded_by_that_of_direct_convolution(kernel, channels, seed):
    shapes = {"channels": channels, "outs": 11, "kernel": (kernel, kernel), "size": (13, 11)}
    case = Case(gradient_problem(**shapes, lanes=16, seed=seed, bias=False))
    forward = forward_arrays(case)
    backward, own, direct = backward_arrays(case, with_y=False)
    for direction, arrays, new, old in (
        ("forward", forward, {}, {}),
        ("backward_input", backward, own, direct),
    ):
        arrays = {name: array for name, array in arrays.items() if name != "z"}
        wide = as_float64(arrays)
        (exact,) = run(f"conv2d_{direction}", wide, "reference", **old).values()
        error = largest_error(f"winograd_{direction}", arrays, exact, **new)
        assert error <= ERROR_BOUND * largest_error(f"conv2d_{direction}", arrays, exact, **old)
    arrays, dw = weight_arrays(case)
    plain = {"x": arrays["x"], "dy": arrays["dy"], "dw": dw}
    exact = run("conv2d_backward_weight", as_float64(plain), "reference")["dw"]
    error = np.abs(weight_gradient(arrays, dw)[0] - exact).max() / np.abs(exact).max()
    bound = WEIGHT_ERROR_BOUND[kernel] * largest_error("conv2d_backward_weight", plain, exact)
    assert error <= bound < 6e-6


# ---- what is refused


@pytest.mark.parametrize(
    ("kernel", "lanes", "message"),
    [
        ((4, 4), 16, "3x3 or 5x5, not 4x4"),
        ((3, 3), 8, "1 lane or a multiple of 16, not 8"),
        ((3, 5), 16, "KS"),
    ],
)
def test_shapes_that_it_does_not_take(kernel, lanes, message):
    case = Case(gradient_problem(kernel=kernel, size=(9, 9), lanes=lanes))
    with pytest.raises(ShapeError, match=message):
        call("winograd_forward", forward_arrays(case))
