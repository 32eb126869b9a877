import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.errors import ShapeError
from tests.kernels.compare import assert_native_matches_reference, central_differences, run
from tests.kernels.halos import assert_halo_untouched, with_halo

shapes = st.tuples(*(st.integers(1, n) for n in (3, 4, 4, 5)), st.sampled_from([1, 4, 8, 16]))
halos = st.tuples(*(st.integers(0, 2),) * 4)
shared = st.tuples(*(st.booleans(),) * 3)


def slopes_for(shape, shared):
    return tuple(1 if one else n for n, one in zip(shape[1:4], shared, strict=True))


@settings(deadline=None, max_examples=60)
@given(shape=shapes, shared=shared, halo=halos, seed=st.integers(0, 99))
def test_native_matches_reference(shape, shared, halo, seed):
    random = np.random.default_rng(seed)
    x, dy = (with_halo(random.normal(0, 3, shape).astype(np.float32), halo) for _ in range(2))
    alpha = random.normal(size=slopes_for(shape, shared)).astype(np.float32)
    out = with_halo(np.zeros_like(x), halo)
    assert_native_matches_reference("prelu_forward", {"x": x, "alpha": alpha, "y": out})
    arrays = {"dy": dy, "x": x, "alpha": alpha, "dx": out}
    assert_native_matches_reference("prelu_backward_input", arrays)
    assert_halo_untouched(run("prelu_backward_input", arrays, "native")["dx"])
    weights = {"dy": dy, "x": x, "dalpha": np.zeros_like(alpha)}
    assert_native_matches_reference("prelu_backward_weight", weights)


@pytest.mark.parametrize("shared", [(False,) * 3, (False, True, True), (True, False, True)])
def test_gradient(shared):
    random = np.random.default_rng(0)
    x, dy = random.normal(size=(2, 2, 3, 2, 2, 3))
    alpha = random.normal(size=slopes_for(x.shape, shared))

    def loss(_):
        y = run("prelu_forward", {"x": x, "alpha": alpha, "y": np.empty_like(x)}, "reference")["y"]
        return float((y * dy).sum())

    dx = run(
        "prelu_backward_input",
        {"dy": dy, "x": x, "alpha": alpha, "dx": np.empty_like(x)},
        "reference",
    )["dx"]
    np.testing.assert_allclose(dx, central_differences(loss, x), rtol=1e-6, atol=1e-8)
    weights = {"dy": dy, "x": x, "dalpha": np.empty_like(alpha)}
    dalpha = run("prelu_backward_weight", weights, "reference")["dalpha"]
    np.testing.assert_allclose(dalpha, central_differences(loss, alpha), rtol=1e-6, atol=1e-8)


def test_slopes_are_whole_or_shared():
    x = np.zeros((1, 4, 3, 3, 4), np.float32)
    alpha = np.zeros((2, 1, 1), np.float32)
    with pytest.raises(ShapeError, match="slopes along C must be 1 or 4, not 2"):
        run("prelu_forward", {"x": x, "alpha": alpha, "y": x}, "reference")
