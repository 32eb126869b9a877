import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.compare import assert_native_matches_reference, run
from tests.kernels.conv2d_cases import Case, canaries, gradient_problem, problems


@settings(deadline=None, max_examples=50)
@given(problems(), st.booleans())
def test_native_matches_reference(problem, bias):
    case = Case(problem)
    x, params = case.gradient_arrays()
    shape = (problem["blocks"], problem["channels"], *problem["size"], problem["lanes"])
    b = case.random(problem["channels"]) if bias else None
    arrays = {"x": x, "w": case.w, "b": b, "y": canaries(shape, np.float32)}
    assert_native_matches_reference("conv2d_transpose_forward", arrays, **params, **case.act)


def test_each_pixel_is_spread_by_the_kernel():
    """The definition, pixel by pixel: y[c, s i + d u, s j + d v] += w[k, c, u, v] x[k, i, j]."""
    case = Case(gradient_problem(stride=(2, 3), dilation=(2, 1), size=(9, 8)), np.float64)
    x, params = case.gradient_arrays()
    top, left = params["halo_top"], params["halo_left"]
    wanted = np.zeros((2, 30, 30, 2))
    for i, j in np.ndindex(*case.out):
        for u, v in np.ndindex(*case.p["kernel"]):
            pixel = x[0, :, top + i, left + j]
            wanted[:, 2 * i + 2 * u, 3 * j + v] += np.einsum("kl,kc->cl", pixel, case.w[:, :, u, v])
    (pad_top, _, pad_left, _), b = case.p["pad"], case.random(2)
    wanted = wanted[:, pad_top : pad_top + 9, pad_left : pad_left + 8] + b[:, None, None, None]
    arrays = {"x": x, "w": case.w, "b": b, "y": np.empty((1, *wanted.shape))}
    y = run("conv2d_transpose_forward", arrays, "reference", **params)["y"]
    np.testing.assert_allclose(y[0], wanted, atol=1e-12)
