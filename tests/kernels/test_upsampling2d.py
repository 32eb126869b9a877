import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.errors import ShapeError
from tests.kernels.compare import assert_native_matches_reference, run
from tests.kernels.halos import assert_halo_untouched, with_halo

WAYS = ["nearest", "bilinear"]


@st.composite
def cases(draw):
    """Shapes of the small and the large image, halo."""
    b, c, h, w = (draw(st.integers(1, n)) for n in (3, 3, 5, 5))
    factors = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    lanes = draw(st.sampled_from([1, 3, 4, 8, 16]))
    halo = draw(st.tuples(*(st.integers(0, 2),) * 4))
    return (b, c, h, w, lanes), (b, c, h * factors[0], w * factors[1], lanes), halo


@pytest.mark.parametrize("way", WAYS)
@settings(deadline=None, max_examples=60)
@given(case=cases(), seed=st.integers(0, 99))
def test_upsampling(way, case, seed):
    small, large, halo = case
    rng = np.random.default_rng(seed)
    for name, read, written in (("forward", "x", "y"), ("backward", "dy", "dx")):
        shapes = (small, large) if name == "forward" else (large, small)
        full = rng.normal(size=shapes[0]).astype(np.float32)
        arrays = {
            read: with_halo(full, halo),
            written: with_halo(np.empty(shapes[1], np.float32), halo),
        }
        assert_native_matches_reference(f"upsample2d_{way}_{name}", arrays)
        assert_halo_untouched(run(f"upsample2d_{way}_{name}", arrays, "native")[written])


@pytest.mark.parametrize("way", WAYS)
def test_the_backward_pass_is_the_adjoint(way):
    """sum of dy y(x) = sum of x dx(dy), whatever x and dy."""
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(1, 2, 3, 4, 2)), rng.normal(size=(1, 2, 9, 8, 2))
    y = run(f"upsample2d_{way}_forward", {"x": x, "y": np.empty_like(dy)}, "reference")["y"]
    dx = run(f"upsample2d_{way}_backward", {"dy": dy, "dx": np.empty_like(x)}, "reference")["dx"]
    assert (dy * y).sum() == pytest.approx((x * dx).sum())


def test_values_between_two_pixels():
    x = np.array([0.0, 4.0, 8.0]).reshape(1, 1, 1, 3, 1)
    y = run("upsample2d_bilinear_forward", {"x": x, "y": np.empty((1, 1, 2, 6, 1))}, "reference")[
        "y"
    ]
    np.testing.assert_allclose(y[0, 0, :, :, 0], [[0, 1, 3, 5, 7, 8]] * 2)


def test_no_whole_multiple():
    arrays = {"x": np.zeros((1, 1, 2, 2, 4)), "y": np.zeros((1, 1, 4, 5, 4))}
    with pytest.raises(ShapeError, match="no whole multiple"):
        run("upsample2d_nearest_forward", arrays, "reference")
