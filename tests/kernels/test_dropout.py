import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.kernels import new_program
from fastcnn.kernels.native import isas
from fastcnn.kernels.spec import SLOPE_FROM_OUTPUT
from tests.kernels.compare import assert_native_matches_reference, central_differences, run
from tests.kernels.halos import assert_halo_untouched, with_halo

shapes = st.tuples(*(st.integers(1, n) for n in (3, 4, 5, 6)), st.sampled_from([1, 4, 8, 16]))
halos = st.tuples(*(st.integers(0, 2),) * 4)
rates = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9])


def forward_arrays(x, seed=3, step=7):
    mask = np.zeros(x.shape[:-1], np.uint16)
    return {"x": x, "y": np.empty_like(x), "mask": mask, "state": np.array([seed, step])}


def kept(shape, seed=3, step=7, layer=0, rate=0.5, isa=None, threads=1):
    """Which elements of which images stay: (images, C, H, W)."""
    arrays = forward_arrays(np.ones(shape, np.float32), seed, step)
    y = run("dropout_forward", arrays, "native", threads, isa, layer=layer, rate=rate)["y"]
    return y.transpose(0, 4, 1, 2, 3).reshape(-1, *shape[1:4]) > 0


@settings(deadline=None, max_examples=40)
@given(
    shape=shapes,
    halo=halos,
    rate=rates,
    seed=st.integers(-(2**63), 2**63 - 1),
    layer=st.integers(0, 9),
)
def test_forward(shape, halo, rate, seed, layer):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    arrays = {
        **forward_arrays(x, seed),
        "x": with_halo(x, halo),
        "y": with_halo(np.empty_like(x), halo),
    }
    params = {"layer": layer, "rate": rate}
    assert_native_matches_reference("dropout_forward", arrays, **params)
    assert_halo_untouched(run("dropout_forward", arrays, "native", **params)["y"])


@pytest.mark.parametrize("activation", [None, *sorted(SLOPE_FROM_OUTPUT)])
@settings(deadline=None, max_examples=15)
@given(shape=shapes, halo=halos, rate=rates, seed=st.integers(0, 99))
def test_backward(activation, shape, halo, rate, seed):
    random = np.random.default_rng(seed)
    arrays = {
        "dy": random.normal(size=shape).astype(np.float32),
        "mask": random.integers(0, 2 ** shape[-1], shape[:-1], np.uint16),
        "y": with_halo(random.normal(size=shape).astype(np.float32), halo) if activation else None,
        "dx": with_halo(np.empty(shape, np.float32), halo),
    }
    params = {"rate": rate, "activation": activation or "relu", "alpha": 0.1}
    assert_native_matches_reference("dropout_backward", arrays, **params)
    assert_halo_untouched(run("dropout_backward", arrays, "native", **params)["dx"])


def test_gradient():
    x, dy = np.random.default_rng(0).normal(size=(2, 2, 2, 3, 2, 4))
    activated = np.tanh(x)

    def forward(x):
        arrays = forward_arrays(np.tanh(x))
        return run("dropout_forward", arrays, "reference", rate=0.4)

    numeric = central_differences(lambda x: float((forward(x)["y"] * dy).sum()), x)
    arrays = {"dy": dy, "mask": forward(x)["mask"], "y": activated, "dx": np.empty_like(x)}
    params = {"rate": 0.4, "activation": "tanh"}
    analytic = run("dropout_backward", arrays, "reference", **params)["dx"]
    np.testing.assert_allclose(analytic, numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("isa", isas())
def test_in_place(isa):
    x, dy = np.random.default_rng(1).normal(size=(2, 2, 3, 5, 5, 8)).astype(np.float32)
    arrays = forward_arrays(x)
    out = run("dropout_forward", arrays, "native")
    dx = run("dropout_backward", {"dy": dy, "mask": out["mask"], "dx": dy}, "native")["dx"]
    program = new_program("native", isa)
    program.add("dropout_forward", {**arrays, "y": x})
    program.add("dropout_backward", {"dy": dy, "mask": out["mask"], "dx": dy})
    program.run(threads=2)
    np.testing.assert_array_equal(x, out["y"])
    np.testing.assert_array_equal(dy, dx)


@pytest.mark.parametrize("isa", isas())
def test_images_do_not_depend_on_lanes(isa):
    expected = kept((1, 3, 5, 7, 16))
    for lanes in (1, 4, 8, 16):
        for threads in (1, 2):
            own = kept((16 // lanes, 3, 5, 7, lanes), isa=isa, threads=threads)
            np.testing.assert_array_equal(own, expected)


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5, 0.8])
def test_keep_rate(rate):
    keep = kept((4, 20, 10, 10, 16), rate=rate)
    deviation = np.sqrt(rate * (1 - rate) / keep.size)
    assert abs(keep.mean() - (1 - rate)) < 4 * deviation
    for axis in range(4):  # no image, channel, row or column is special
        means = keep.mean(axis=tuple(a for a in range(4) if a != axis))
        assert np.abs(means - (1 - rate)).max() < 5 * deviation * np.sqrt(keep.shape[axis])


def test_seeds_steps_and_layers_are_independent():
    shape = (1, 8, 8, 8, 16)
    masks = [
        kept(shape, seed, step, layer)
        for seed in (1, 2**33 + 1)
        for step in (0, 1)
        for layer in (0, 1)
    ]
    together = np.corrcoef(np.stack(masks).reshape(len(masks), -1))
    assert np.abs(together - np.eye(len(masks))).max() < 0.06
