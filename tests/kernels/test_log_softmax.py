import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.kernels.native import isas
from tests.kernels.compare import assert_native_matches_reference, central_differences, run
from tests.kernels.halos import assert_halo_untouched, with_halo

shapes = st.tuples(*(st.integers(1, n) for n in (3, 9, 4, 5)), st.sampled_from([1, 4, 8, 16]))
halos = st.tuples(*(st.integers(0, 2),) * 4)


@settings(deadline=None, max_examples=25)
@given(shape=shapes, halo=halos, seed=st.integers(0, 99))
def test_native_matches_reference(shape, halo, seed):
    rng = np.random.default_rng(seed)
    x, dy = (with_halo(rng.normal(0, 3, shape).astype(np.float32), halo) for _ in range(2))
    out = with_halo(np.zeros_like(x), halo)
    assert_native_matches_reference("log_softmax_forward", {"x": x, "y": out})
    y = run("log_softmax_forward", {"x": x, "y": out}, "native")["y"]
    arrays = {"dy": dy, "y": y, "dx": out}
    assert_native_matches_reference("log_softmax_backward", arrays)
    assert_halo_untouched(run("log_softmax_backward", arrays, "native")["dx"])


def test_gradient():
    x, dy = np.random.default_rng(0).normal(size=(2, 2, 5, 2, 1, 3))

    def forward(x):
        return run("log_softmax_forward", {"x": x, "y": np.empty_like(x)}, "reference")["y"]

    numeric = central_differences(lambda x: float((forward(x) * dy).sum()), x)
    arrays = {"dy": dy, "y": forward(x), "dx": np.empty_like(x)}
    analytic = run("log_softmax_backward", arrays, "reference")["dx"]
    np.testing.assert_allclose(analytic, numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("isa", isas())
def test_small_probabilities_keep_their_digits(isa):
    x = np.array([0, -50, -300], np.float32).reshape(1, 3, 1, 1, 1)
    y = run("log_softmax_forward", {"x": x, "y": np.empty_like(x)}, "native", isa=isa)["y"]
    np.testing.assert_allclose(y.ravel(), [0, -50, -300], atol=1e-6)
