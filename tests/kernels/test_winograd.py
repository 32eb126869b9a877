"""Winograd's kernels against their reference, and both against direct convolution."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.errors import ShapeError
from fastcnn.kernels import call, new_program
from fastcnn.kernels.reference.activation import activation_slope
from fastcnn.kernels.reference.winograd import matrices
from tests.kernels.compare import as_float64, assert_native_matches_reference, run
from tests.kernels.conv2d_cases import ACTIVATIONS, Case, canaries, gradient_problem

# (kernel, side of a tile of inputs)
FORMS = [(3, 6), (5, 6), (3, 4)]

# Of the largest errors in float32, against float64, the ratio to that of direct convolution. With
# fewer than 5 channels direct convolution rounds so little that it may reach 9. Its weight gradient
# is a sum over 16 times as many partial sums, one for each lane; hence the other bounds, by form.
ERROR_BOUND = 4.0
WEIGHT_ERROR_BOUND = {(3, 6): 10.0, (5, 6): 18.0, (3, 4): 6.0}

# Rounding decides on which side of a step a sum lies that ought to be 0.
STEPLESS = [name for name in ACTIVATIONS if name != "threshold"]


def formed(form, **shapes):
    """A problem of a form of tiles."""
    kernel, side = form
    return {**gradient_problem(kernel=(kernel, kernel), **shapes), "side": side}


@st.composite
def problems(draw, lanes=(16, 32)):
    """Odd sizes, paddings and channel counts of what Winograd's kernels take."""
    kernel, side = draw(st.sampled_from(FORMS))
    pad = draw(st.tuples(*[st.integers(0, 3)] * 4))
    least = [max(1, kernel + 1 - p - q) for p, q in zip(pad[::2], pad[1::2], strict=True)]
    return formed(
        (kernel, side),
        blocks=draw(st.integers(1, 3)),
        channels=draw(st.integers(1, 9)),
        outs=draw(st.integers(1, 20)),
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


def forward_params(case):
    return {"side": case.p["side"], **case.act}


def forward_arrays(case):
    return {"x": case.x, "w": case.w, "b": case.b, "y": case.outputs(*case.out)}


def backward_arrays(case, with_y=True):
    p = case.p
    dy, params = case.gradient_arrays()
    shape = (p["blocks"], p["channels"], *p["size"], p["lanes"])
    y, z = [case.random(*shape) if with_y else None for _ in range(2)]
    arrays = {"dy": dy, "w": case.w, "y": y, "z": z, "dx": canaries(shape, case.dtype)}
    kept = ("pad_top", "pad_left", "halo_top", "halo_left")
    return arrays, {"side": p["side"], **{k: params[k] for k in kept}}, params


def weight_arrays(case, shares=1):
    """x, dy with canaries around, and sums of the shares; and dw, which follows from sums."""
    p = case.p
    dy = case.outputs(*case.out)
    dy[...] = case.random(*dy.shape)
    sums = np.full(
        (shares, p["side"] ** 2, p["channels"], -(-p["outs"] // 16) * 16), np.nan, case.dtype
    )
    bias_sums = np.full((shares, p["outs"]), np.nan, case.dtype) if p["bias"] else None
    return {"x": case.x, "dy": dy, "sums": sums, "bias_sums": bias_sums}, np.empty_like(case.w)


def weight_gradient(arrays, dw, backend="native"):
    """(dw, db) of both kernels."""
    made = run("winograd_backward_weight", arrays, backend, kernel=dw.shape[2])
    made.setdefault("bias_sums", None)
    db = None if made["bias_sums"] is None else np.empty_like(dw[:, 0, 0, 0])
    made = run("winograd_weight_gradient", {**made, "dw": dw, "db": db}, backend)
    return made["dw"], made.get("db")


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


SHARES = st.sampled_from([1, 2, 3, 8])  # one: threads share positions; more: they share tiles


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


@settings(deadline=None, max_examples=60)
@given(problems(), SHARES)
def test_backward_weight_matches_reference(problem, shares):
    case = Case(problem)
    arrays, dw = weight_arrays(case, shares)
    assert_native_matches_reference("winograd_backward_weight", arrays, kernel=dw.shape[2])
    made = {"sums": case.random(*arrays["sums"].shape), "bias_sums": None, "dw": dw, "db": None}
    if problem["bias"]:
        made |= {"bias_sums": case.random(shares, len(dw)), "db": np.empty_like(case.b)}
    assert_native_matches_reference("winograd_weight_gradient", made)


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


@pytest.mark.parametrize("form", [(3, 6), (3, 4)])
@pytest.mark.parametrize("shares", [1, 3])
@pytest.mark.parametrize("filters", [16, 24, 48, 70, 150])
def test_groups_of_filters_of_the_weight_gradient(form, filters, shares):
    """One to four vectors, two and three groups of them; channels for more than one panel."""
    shapes = {"channels": 18, "outs": filters, "size": (7, 9), "blocks": 2}
    case = Case(formed(form, **shapes, lanes=16))
    assert_native_matches_reference("winograd_backward_weight", weight_arrays(case, shares)[0])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shares", [2, 5])
def test_shares_of_many_chunks_of_tiles(form, shares):
    """Runs of tiles that begin and end within rows, and shares that begin within blocks."""
    shapes = {"channels": 3, "outs": 5, "size": (23, 47), "blocks": 3}
    case = Case(formed(form, **shapes, lanes=16))
    arrays, _ = weight_arrays(case, shares)
    assert_native_matches_reference("winograd_backward_weight", arrays, kernel=form[0])


@pytest.mark.parametrize("form", FORMS)
def test_shares_without_tiles_are_zeros(form):
    case = Case(formed(form, size=(6, 6), blocks=1, lanes=16))
    arrays, _ = weight_arrays(case, shares=40)
    assert_native_matches_reference("winograd_backward_weight", arrays, kernel=form[0])
    made = run("winograd_backward_weight", arrays, "native", kernel=form[0])
    empty = [not own.any() for own in made["sums"]]
    assert 40 - 16 <= sum(empty) < 40


@pytest.mark.parametrize("shares", [1, 3])
def test_blocks_without_images_do_not_count(shares):
    case = Case(formed((3, 6), size=(14, 13), blocks=3, lanes=16))
    arrays, dw = weight_arrays(case, shares)
    first = {**arrays, "x": arrays["x"][:2], "dy": arrays["dy"][:2]}
    wanted = weight_gradient(first, dw)[0]
    arrays["x"][2] = np.nan
    for threads in (1, 2, 3):
        program = new_program("native")
        program.add("winograd_backward_weight", arrays, kernel=3)
        program.run(blocks=2, threads=threads)
        made = {"sums": arrays["sums"], "bias_sums": None, "dw": dw, "db": None}
        got = run("winograd_weight_gradient", made, "native")["dw"]
        np.testing.assert_array_equal(got, wanted)


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


# ---- the error


def largest_error(name, arrays, exact, **params):
    (got,) = run(name, arrays, "native", **params).values()
    return np.abs(got - exact).max() / np.abs(exact).max()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("channels", [5, 7, 48])
@pytest.mark.parametrize("seed", range(3))
def test_error_is_bounded_by_that_of_direct_convolution(form, channels, seed):
    shapes = {"channels": channels, "outs": 11, "size": (13, 11)}
    case = Case(formed(form, **shapes, lanes=16, seed=seed, bias=False))
    forward = forward_arrays(case)
    backward, own, direct = backward_arrays(case, with_y=False)
    for direction, arrays, new, old in (
        ("forward", forward, {"side": form[1]}, {}),
        ("backward_input", backward, own, direct),
    ):
        arrays = {name: array for name, array in arrays.items() if name != "z"}
        wide = as_float64(arrays)
        (exact,) = run(f"conv2d_{direction}", wide, "reference", **old).values()
        error = largest_error(f"winograd_{direction}", arrays, exact, **new)
        assert error <= ERROR_BOUND * largest_error(f"conv2d_{direction}", arrays, exact, **old)
    for shares in (1, 4):
        arrays, dw = weight_arrays(case, shares)
        plain = {"x": arrays["x"], "dy": arrays["dy"], "dw": dw}
        exact = run("conv2d_backward_weight", as_float64(plain), "reference")["dw"]
        error = np.abs(weight_gradient(arrays, dw)[0] - exact).max() / np.abs(exact).max()
        bound = WEIGHT_ERROR_BOUND[form] * largest_error("conv2d_backward_weight", plain, exact)
        assert error <= bound < 6e-6


# ---- what is refused


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sums": np.zeros((0, 36, 3, 16), np.float32)}, "at least one share"),
        ({"sums": np.zeros((2, 35, 3, 16), np.float32)}, "35 positions are no square tile"),
        ({"sums": np.zeros((2, 25, 3, 16), np.float32)}, "tiles of 4x4 or 6x6, not 5x5"),
        (
            {
                "sums": np.zeros((2, 16, 3, 16), np.float32),
                "dw": np.zeros((4, 3, 5, 5), np.float32),
            },
            "kernels of 5x5 have tiles of 6x6, not 4x4",
        ),
        ({"sums": np.zeros((2, 36, 3, 8), np.float32)}, "length of rows"),
        ({"db": np.zeros(4, np.float32)}, "bias_sums"),
    ],
)
def test_sums_that_it_does_not_take(changed, message):
    arrays = {
        "sums": np.zeros((2, 36, 3, 16), np.float32),
        "dw": np.zeros((4, 3, 3, 3), np.float32),
    }
    with pytest.raises(ShapeError, match=message):
        call("winograd_weight_gradient", {**arrays, "bias_sums": None, "db": None, **changed})


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
