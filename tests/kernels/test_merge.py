import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.kernels.backends import BACKENDS
from fastcnn.kernels.spec import SLOPE_FROM_OUTPUT
from tests.kernels.compare import assert_native_matches_reference, run
from tests.kernels.halos import assert_halo_untouched, with_halo

shapes = st.tuples(*(st.integers(1, n) for n in (3, 4, 5, 5)), st.sampled_from([1, 3, 4, 8, 16]))
halos = st.tuples(*(st.integers(0, 2),) * 4)
seeds = st.integers(0, 99)


def floats(seed, shape):
    """With ties."""
    return np.round(np.random.default_rng(seed).normal(size=(2, *shape)), 1).astype(np.float32)


@pytest.mark.parametrize("activation", sorted(SLOPE_FROM_OUTPUT))
@settings(deadline=None, max_examples=15)
@given(shape=shapes, halo=halos, seed=seeds)
def test_multiply(activation, shape, halo, seed):
    x, z = np.random.default_rng(seed).normal(size=(2, *shape)).astype(np.float32)
    arrays = {"x": with_halo(x, halo), "z": z, "y": with_halo(np.empty_like(x), halo)}
    params = {"activation": activation, "alpha": 0.1}
    assert_native_matches_reference("multiply", arrays, **params)
    assert_halo_untouched(run("multiply", arrays, "native", **params)["y"])


@settings(deadline=None, max_examples=30)
@given(shape=shapes, halo=halos, seed=seeds)
def test_maximum(shape, halo, seed):
    x, z = floats(seed, shape)
    arrays = {
        "x": with_halo(x, halo),
        "z": z,
        "y": with_halo(np.empty_like(x), halo),
        "index": with_halo(np.empty(shape, np.uint8), halo),
    }
    assert_native_matches_reference("maximum_forward", arrays)
    result = run("maximum_forward", arrays, "native")
    assert_halo_untouched(result["y"])
    assert_halo_untouched(result["index"])
    back = {
        "dy": x,
        "index": result["index"],
        "dx": with_halo(np.empty_like(x), halo),
        "dz": np.empty_like(x),
    }
    assert_native_matches_reference("maximum_backward", back)
    assert_halo_untouched(run("maximum_backward", back, "native")["dx"])


@pytest.mark.parametrize("backend", BACKENDS)
def test_of_two_equal_values_the_first_gets_the_gradient(backend):
    same = np.ones((1, 1, 1, 2, 4), np.float32)
    arrays = {
        "x": same,
        "z": same,
        "y": np.empty_like(same),
        "index": np.empty(same.shape, "uint8"),
    }
    index = run("maximum_forward", arrays, backend)["index"]
    back = {"dy": same, "index": index, "dx": np.empty_like(same), "dz": np.empty_like(same)}
    result = run("maximum_backward", back, backend)
    assert (result["dx"] == 1).all() and (result["dz"] == 0).all()
