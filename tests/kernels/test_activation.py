import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.kernels.native import isas
from fastcnn.kernels.spec import ENUMS
from tests.kernels.compare import assert_native_matches_reference, central_differences, run

ACTIVATIONS = sorted(ENUMS["activation"])
shapes = st.tuples(*(st.integers(1, n) for n in (3, 4, 5, 5)), st.sampled_from([1, 4, 16]))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@settings(deadline=None, max_examples=20)
@given(shape=shapes, seed=st.integers(0, 99))
def test_native_matches_reference(activation, shape, seed):
    rng = np.random.default_rng(seed)
    x, dy = (rng.normal(0, 3, shape).astype(np.float32) for _ in range(2))
    params = {"activation": activation, "alpha": 0.1}
    assert_native_matches_reference("activation_forward", {"x": x, "y": np.empty_like(x)}, **params)
    y = run("activation_forward", {"x": x, "y": np.empty_like(x)}, "reference", **params)["y"]
    arrays = {"dy": dy, "y": y, "dx": np.empty_like(x)}
    assert_native_matches_reference("activation_backward", arrays, **params)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient(activation):
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(2, 1, 2, 3, 2, 2))
    params = {"activation": activation, "alpha": 0.1}

    def forward(x):
        return run("activation_forward", {"x": x, "y": np.empty_like(x)}, "reference", **params)[
            "y"
        ]

    numeric = central_differences(lambda x: float((forward(x) * dy).sum()), x)
    arrays = {"dy": dy, "y": forward(x), "dx": np.empty_like(x)}
    analytic = run("activation_backward", arrays, "reference", **params)["dx"]
    np.testing.assert_allclose(analytic, numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("isa", isas())
def test_nan_stays_nan(activation, isa):
    """A network that diverges must be seen to diverge."""
    x = np.full((1, 1, 1, 1, 16), np.nan, np.float32)
    arrays = {"x": x, "y": np.zeros_like(x)}
    y = run("activation_forward", arrays, "native", isa=isa, activation=activation)["y"]
    assert np.isnan(y).all()
