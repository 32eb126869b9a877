import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.kernels.native import isas
from tests.kernels.compare import assert_native_matches_reference, run
from tests.kernels.halos import assert_halo_untouched, with_halo

shapes = st.tuples(*(st.integers(1, n) for n in (3, 6, 5, 6)), st.sampled_from([1, 4, 8, 16]))
halos = st.tuples(*(st.integers(0, 2),) * 4)
seeds = st.integers(-(2**63), 2**63 - 1)
KERNELS = {
    "gaussian_noise": {"stddev": 0.3},
    "gaussian_dropout": {"stddev": 0.7},
    "alpha_dropout": {"rate": 0.2, "scale": 0.9, "shift": 0.3, "dropped": -1.5},
    "spatial_dropout": {"rate": 0.4},
}


def arrays_of(x, seed=3, step=7):
    return {"x": x, "y": np.zeros_like(x), "state": np.array([seed, step])}


def noisy(kernel, shape, seed=3, step=7, isa=None, threads=1, **params):
    """What becomes of ones: (images, C, H, W)."""
    arrays = arrays_of(np.ones(shape, np.float32), seed, step)
    y = run(kernel, arrays, "native", threads, isa, **KERNELS[kernel], **params)["y"]
    return y.transpose(0, 4, 1, 2, 3).reshape(-1, *shape[1:4])


@pytest.mark.parametrize("kernel", KERNELS)
@settings(deadline=None, max_examples=25)
@given(shape=shapes, halo=halos, seed=seeds, layer=st.integers(0, 9))
def test_native_matches_reference(kernel, shape, halo, seed, layer):
    x = with_halo(np.random.default_rng(0).normal(size=shape).astype(np.float32), halo)
    arrays = {**arrays_of(x, seed), "y": with_halo(np.zeros_like(x), halo)}
    params = {**KERNELS[kernel], "layer": layer}
    assert_native_matches_reference(kernel, arrays, **params)
    assert_halo_untouched(run(kernel, arrays, "native", **params)["y"])


@pytest.mark.parametrize("isa", isas())
@pytest.mark.parametrize("kernel", KERNELS)
def test_images_do_not_depend_on_lanes_or_threads(kernel, isa):
    expected = noisy(kernel, (1, 3, 5, 7, 16), isa=isa)
    for lanes in (1, 4, 8, 16):
        for threads in (1, 2):
            own = noisy(kernel, (16 // lanes, 3, 5, 7, lanes), isa=isa, threads=threads)
            np.testing.assert_array_equal(own, expected)


@pytest.mark.parametrize("kernel", KERNELS)
def test_seeds_steps_and_layers_are_independent(kernel):
    draws = [
        noisy(kernel, (2, 50, 4, 5, 16), seed, step, layer=layer)
        for seed in (1, 2**33 + 1)
        for step in (0, 1)
        for layer in (0, 1)
    ]
    if kernel == "spatial_dropout":
        draws = [d[:, :, 0, 0] for d in draws]
    together = np.corrcoef(np.stack(draws).reshape(len(draws), -1))
    assert np.abs(together - np.eye(len(draws))).max() < 5 / np.sqrt(draws[0].size)


@pytest.mark.parametrize("isa", isas())
def test_normal_numbers_are_normal(isa):
    """Their moments, within five standard errors, and the share beyond 1, 2 and 3."""
    z = (noisy("gaussian_noise", (40, 8, 16, 16, 16), isa=isa).astype(np.float64) - 1) / 0.3
    n = z.size
    for power, moment, spread in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((z**power).mean() - moment) < 5 * np.sqrt(spread / n)
    for bound, share in ((1, 0.317310508), (2, 0.045500264), (3, 0.002699796)):
        assert abs((np.abs(z) > bound).mean() - share) < 5 * np.sqrt(share / n)
    flat = z.reshape(40 * 16, -1)
    lag = (flat[:, 1:] * flat[:, :-1]).mean()  # the two of a pair as well
    assert abs(lag) < 5 / np.sqrt(n)


def test_spatial_dropout_drops_whole_channels():
    y = noisy("spatial_dropout", (8, 40, 3, 4, 16))
    assert (y == y[:, :, :1, :1]).all()
    kept = y[:, :, 0, 0] > 0
    assert abs(kept.mean() - 0.6) < 4 * np.sqrt(0.24 / kept.size)
    np.testing.assert_allclose(y[y > 0], 1 / 0.6, rtol=1e-6)


def test_alpha_dropout_keeps_as_many_as_dropout():
    x = np.ones((2, 3, 4, 5, 8), np.float32)
    mask = {"mask": np.zeros(x.shape[:4], np.uint16)}
    dropped = run("dropout_forward", {**arrays_of(x), **mask}, "native", rate=0.2, layer=4)["y"]
    y = run("alpha_dropout", arrays_of(x), "native", **KERNELS["alpha_dropout"], layer=4)["y"]
    np.testing.assert_array_equal(y == np.float32(-1.5), dropped == 0)
    np.testing.assert_allclose(y[y > 0], 1.2, rtol=1e-6)
