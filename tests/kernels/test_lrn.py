import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.errors import OptionError
from tests.kernels.compare import assert_native_matches_reference, central_differences, run
from tests.kernels.halos import assert_halo_untouched, with_halo

shapes = st.tuples(*(st.integers(1, n) for n in (3, 9, 4, 5)), st.sampled_from([1, 4, 8, 16]))
halos = st.tuples(*(st.integers(0, 2),) * 4)


@settings(deadline=None, max_examples=40)
@given(
    shape=shapes,
    halo=halos,
    size=st.sampled_from([1, 3, 5, 7]),
    alpha=st.sampled_from([1e-4, 1.0]),
    beta=st.sampled_from([0.5, 0.75, 1.0]),
    seed=st.integers(0, 99),
)
def test_native_matches_reference(shape, halo, size, alpha, beta, seed):
    random = np.random.default_rng(seed)
    x, dy = (with_halo(random.normal(0, 3, shape).astype(np.float32), halo) for _ in range(2))
    out = with_halo(np.zeros_like(x), halo)
    params = {"size": size, "alpha": alpha, "beta": beta, "k": 1.5}
    assert_native_matches_reference("lrn_forward", {"x": x, "y": out}, **params)
    arrays = {"x": x, "dy": dy, "dx": out}
    assert_native_matches_reference("lrn_backward", arrays, **params)
    assert_halo_untouched(run("lrn_backward", arrays, "native", **params)["dx"])


def test_gradient():
    x, dy = np.random.default_rng(0).normal(size=(2, 2, 6, 2, 1, 3))
    params = {"size": 3, "alpha": 0.8, "beta": 0.75, "k": 1.2}

    def loss(x):
        y = run("lrn_forward", {"x": x, "y": np.empty_like(x)}, "reference", **params)["y"]
        return float((y * dy).sum())

    numeric = central_differences(loss, x)
    arrays = {"x": x, "dy": dy, "dx": np.empty_like(x)}
    dx = run("lrn_backward", arrays, "reference", **params)["dx"]
    np.testing.assert_allclose(dx, numeric, rtol=1e-6, atol=1e-8)


def test_by_hand():
    """Channels 1, 2, 3 of one pixel, size 3: the sums of squares are 5, 14, 13."""
    x = np.array([1, 2, 3], np.float64).reshape(1, 3, 1, 1, 1)
    params = {"size": 3, "alpha": 3.0, "beta": 1.0, "k": 1.0}
    y = run("lrn_forward", {"x": x, "y": np.empty_like(x)}, "reference", **params)["y"]
    np.testing.assert_allclose(y.ravel(), [1 / 6, 2 / 15, 3 / 14])


def test_options():
    x = np.zeros((1, 3, 1, 1, 4), np.float32)
    with pytest.raises(OptionError, match="odd number of channels, not 4"):
        run("lrn_forward", {"x": x, "y": x}, "reference", size=4)
    with pytest.raises(OptionError, match="k must be positive"):
        run("lrn_forward", {"x": x, "y": x}, "reference", k=0.0)
