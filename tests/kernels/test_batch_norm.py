import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.kernels import new_program
from fastcnn.kernels.backends import BACKENDS
from fastcnn.kernels.native import isas
from fastcnn.kernels.spec import SLOPE_FROM_OUTPUT
from tests.kernels.compare import assert_native_matches_reference, central_differences, run
from tests.kernels.halos import assert_halo_untouched, with_halo

ACTIVATIONS = sorted(SLOPE_FROM_OUTPUT)
shapes = st.tuples(*(st.integers(1, n) for n in (3, 4, 6, 6)), st.sampled_from([1, 2, 4, 8, 16]))
halos = st.tuples(*(st.integers(0, 2),) * 4)


def some_order(random, shape, empty):
    """Image numbers of the lanes; about the given share of them empty, never all."""
    order = np.arange(shape[0] * shape[4]).reshape(shape[0], shape[4])
    order[random.random(order.shape) < empty] = -1
    order[-1, 0] = 0
    return order


def some_arrays(seed, shape, empty=0.3, mean=0.5, dtype=np.float32):
    random = np.random.default_rng(seed)
    order = some_order(random, shape, empty)
    channels = [random.normal(1, 0.3, shape[1]).astype(dtype) for _ in range(4)]
    x = random.normal(mean, 1, shape) * (order >= 0)[:, None, None, None, :]
    return {
        "x": x.astype(dtype),
        "gamma": channels[0],
        "beta": channels[1],
        "order": order,
        "y": np.empty(shape, dtype),
        "mean": np.empty(shape[1], dtype),
        "inv_std": np.empty(shape[1], dtype),
        "moving_mean": channels[2],
        "moving_var": np.abs(channels[3]),
    }


@pytest.mark.parametrize("activation", ACTIVATIONS)
@settings(deadline=None, max_examples=20)
@given(shape=shapes, halo=halos, seed=st.integers(0, 99), affine=st.booleans())
def test_forward(activation, shape, halo, seed, affine):
    arrays = some_arrays(seed, shape)
    arrays.update(x=with_halo(arrays["x"], halo), y=with_halo(arrays["y"], halo))
    if not affine:
        arrays.update(gamma=None, beta=None)
    params = {"activation": activation, "alpha": 0.1, "epsilon": 1e-2, "momentum": 0.9}
    assert_native_matches_reference("batch_norm_forward", arrays, **params)
    y = run("batch_norm_forward", arrays, "native", **params)["y"]
    assert_halo_untouched(y)
    empty = np.broadcast_to((arrays["order"] < 0)[:, None, None, None, :], shape)
    assert (y[empty] == 0).all()


@pytest.mark.parametrize("mean", [0, 1e3])
@pytest.mark.parametrize("shape", [(5, 2, 33, 33, 16), (3, 2, 40, 61, 1), (3, 1, 7, 65, 4)])
def test_large_mean(shape, mean):
    arrays = some_arrays(0, shape, mean=mean)
    assert_native_matches_reference("batch_norm_forward", arrays)


def test_a_blank_first_image_costs_no_accuracy():
    arrays = some_arrays(0, (4, 1, 9, 9, 1), empty=0, mean=1e3)
    arrays["x"][0] = 0
    assert_native_matches_reference("batch_norm_forward", arrays)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_batch_without_images(backend):
    arrays = some_arrays(0, (1, 2, 3, 3, 4))
    arrays["order"][...] = -1
    result = run("batch_norm_forward", arrays, backend)
    assert (result["y"] == 0).all()
    np.testing.assert_array_equal(result["moving_mean"], arrays["moving_mean"])
    assert np.isfinite(result["inv_std"]).all()


@pytest.mark.parametrize("isa", isas())
def test_only_active_blocks_count(isa):
    arrays = some_arrays(0, (3, 2, 3, 3, 4), empty=0)
    expected = run("batch_norm_forward", {**arrays, **first_blocks(arrays, 2)}, "native", isa=isa)
    program = new_program("native", isa)
    program.add("batch_norm_forward", arrays)
    program.run(blocks=2)
    np.testing.assert_array_equal(arrays["mean"], expected["mean"])
    np.testing.assert_array_equal(arrays["y"][:2], expected["y"])


def first_blocks(arrays, blocks):
    return {name: arrays[name][:blocks].copy() for name in ("x", "order", "y")}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@settings(deadline=None, max_examples=15)
@given(shape=shapes, halo=halos, seed=st.integers(0, 99), affine=st.booleans())
def test_inference(activation, shape, halo, seed, affine):
    arrays = some_arrays(seed, shape)
    for name in ("order", "mean", "inv_std"):
        del arrays[name]
    arrays.update(x=with_halo(arrays["x"], halo), y=with_halo(arrays["y"], halo))
    if not affine:
        arrays.update(gamma=None, beta=None)
    params = {"activation": activation, "alpha": 0.1, "epsilon": 1e-2}
    assert_native_matches_reference("batch_norm_inference", arrays, **params)
    assert_halo_untouched(run("batch_norm_inference", arrays, "native", **params)["y"])


def backward_arrays(arrays, dy, activation, halo=None, **params):
    """Arrays of batch_norm_backward after the forward pass of the reference."""
    forward = run(
        "batch_norm_forward", arrays, "reference", activation=activation or "linear", **params
    )

    def view(array):
        return with_halo(array, halo) if halo else array

    return {
        "x": view(arrays["x"]),
        "dy": view(dy),
        "y": view(forward["y"]) if activation else None,
        "gamma": arrays["gamma"],
        "mean": forward["mean"],
        "inv_std": forward["inv_std"],
        "order": arrays["order"],
        "dx": view(np.empty_like(arrays["x"])),
        "dgamma": np.empty_like(forward["mean"]),
        "dbeta": np.empty_like(forward["mean"]),
    }


@pytest.mark.parametrize("activation", [None, *ACTIVATIONS])
@settings(deadline=None, max_examples=20)
@given(shape=shapes, halo=halos, seed=st.integers(0, 99), affine=st.booleans())
def test_backward(activation, shape, halo, seed, affine):
    arrays = some_arrays(seed, shape)
    dy = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    arrays = backward_arrays(arrays, dy, activation, halo, alpha=0.1, epsilon=1e-2)
    if not affine:
        arrays.update(gamma=None, dgamma=None, dbeta=None)
    params = {"activation": activation or "relu", "alpha": 0.1}
    assert_native_matches_reference("batch_norm_backward", arrays, **params)
    assert_halo_untouched(run("batch_norm_backward", arrays, "native", **params)["dx"])


@pytest.mark.parametrize("shape", [(5, 2, 33, 33, 16), (3, 2, 40, 61, 1)])
def test_backward_of_large_images(shape):
    dy = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    arrays = backward_arrays(some_arrays(0, shape), dy, "relu")
    assert_native_matches_reference("batch_norm_backward", arrays, activation="relu")


@pytest.mark.parametrize("wanted", ["x", "gamma", "beta"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient(activation, wanted):
    shape = (2, 2, 2, 3, 4)
    arrays = some_arrays(3, shape, dtype=np.float64)
    dy = np.random.default_rng(4).normal(size=shape)
    params = {"activation": activation, "alpha": 0.1}

    def loss(value):
        result = run("batch_norm_forward", {**arrays, wanted: value}, "reference", **params)
        return float((result["y"] * dy).sum())

    numeric = central_differences(loss, arrays[wanted].copy())
    backward = backward_arrays(arrays, dy, activation, alpha=0.1)
    analytic = run("batch_norm_backward", backward, "reference", **params)[f"d{wanted}"]
    np.testing.assert_allclose(analytic, numeric, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("isa", isas())
def test_backward_in_place(isa):
    shape = (2, 3, 5, 5, 8)
    dy = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    arrays = backward_arrays(some_arrays(0, shape), dy, "relu")
    expected = run("batch_norm_backward", arrays, "native", isa=isa, activation="relu")["dx"]
    program = new_program("native", isa)
    program.add("batch_norm_backward", {**arrays, "dx": dy}, activation="relu")
    program.run(threads=2)
    np.testing.assert_array_equal(dy, expected)
