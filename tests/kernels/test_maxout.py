import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.errors import OptionError, ShapeError
from fastcnn.kernels.native import isas
from tests.kernels.compare import assert_native_matches_reference, central_differences, run
from tests.kernels.halos import assert_halo_untouched, with_halo

shapes = st.tuples(*(st.integers(1, n) for n in (3, 4, 4, 5)), st.sampled_from([1, 4, 8, 16]))
halos = st.tuples(*(st.integers(0, 2),) * 4)


def wide(shape, pool):
    return (shape[0], shape[1] * pool, *shape[2:])


@settings(deadline=None, max_examples=40)
@given(shape=shapes, halo=halos, pool=st.integers(1, 5), seed=st.integers(0, 99))
def test_native_matches_reference(shape, halo, pool, seed):
    random = np.random.default_rng(seed)
    x = with_halo(random.integers(-3, 4, wide(shape, pool)).astype(np.float32), halo)  # with ties
    y = with_halo(np.zeros(shape, np.float32), halo)
    index = np.zeros(shape, np.uint8)
    assert_native_matches_reference("maxout_forward", {"x": x, "y": y, "index": index}, pool=pool)
    assert_native_matches_reference("maxout_forward", {"x": x, "y": y}, pool=pool)
    index = random.integers(0, pool, shape).astype(np.uint8)
    dx = with_halo(np.zeros_like(x), halo)
    arrays = {"dy": y + 1, "index": index, "dx": dx}
    assert_native_matches_reference("maxout_backward", arrays, pool=pool)
    assert_halo_untouched(run("maxout_backward", arrays, "native", pool=pool)["dx"])


def test_gradient():
    random = np.random.default_rng(0)
    x, dy = random.normal(size=(2, 6, 2, 1, 3)), random.normal(size=(2, 2, 2, 1, 3))

    def forward(x):
        arrays = {"x": x, "y": np.empty_like(dy), "index": np.zeros(dy.shape, np.uint8)}
        return run("maxout_forward", arrays, "reference", pool=3)

    numeric = central_differences(lambda x: float((forward(x)["y"] * dy).sum()), x)
    arrays = {"dy": dy, "index": forward(x)["index"], "dx": np.empty_like(x)}
    dx = run("maxout_backward", arrays, "reference", pool=3)["dx"]
    np.testing.assert_allclose(dx, numeric, atol=1e-9)


@pytest.mark.parametrize("isa", isas())
def test_nan_wins(isa):
    x = np.zeros((1, 4, 1, 1, 16), np.float32)
    x[0, 1, ..., 3] = x[0, 2, ..., 4] = np.nan
    y = np.zeros((1, 2, 1, 1, 16), np.float32)
    y = run("maxout_forward", {"x": x, "y": y}, "native", isa=isa, pool=2)["y"]
    assert np.isnan(y[0, 0, 0, 0, 3]) and np.isnan(y[0, 1, 0, 0, 4]) and np.isnan(y).sum() == 2


def test_checks():
    x, y = np.zeros((1, 6, 1, 1, 4), np.float32), np.zeros((1, 2, 1, 1, 4), np.float32)
    with pytest.raises(ShapeError, match="number of channels must be 4, not 6"):
        run("maxout_forward", {"x": x, "y": y}, "reference", pool=2)
    with pytest.raises(OptionError, match="pool lies in 1 to 256, not 0"):
        run("maxout_forward", {"x": x, "y": y}, "reference", pool=0)
