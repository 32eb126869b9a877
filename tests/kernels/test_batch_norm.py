import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.kernels import new_program
from fastcnn.kernels.backends import BACKENDS
from fastcnn.kernels.native import isas
from fastcnn.kernels.spec import ENUMS, SLOPE_FROM_INPUT
from tests.kernels.compare import (
    assert_native_matches_reference,
    central_differences,
    makers,
    run,
)
from tests.kernels.halos import assert_halo_untouched, with_halo

ACTIVATIONS = sorted(ENUMS["activation"])
shapes = st.tuples(*(st.integers(1, n) for n in (3, 4, 6, 6)), st.sampled_from([1, 2, 4, 8, 16]))
halos = st.tuples(*(st.integers(0, 2),) * 4)


def some_order(random, shape, empty):
    """Image numbers of the lanes; about the given share of them empty, never all."""
    order = np.arange(shape[0] * shape[4]).reshape(shape[0], shape[4])
    order[random.random(order.shape) < empty] = -1
    order[-1, 0] = 0
    return order


def with_sum(arrays, seed, halo):
    """With a tensor that is added before the activation."""
    z = np.random.default_rng(seed).normal(size=arrays["x"].shape).astype(np.float32)
    return {**arrays, "z": with_halo(z, halo)}


def some_arrays(seed, shape, empty=0.3, mean=0.5, dtype=np.float32):
    random = np.random.default_rng(seed)
    order = some_order(random, shape, empty)
    channels = [random.normal(1, 0.3, shape[1]).astype(dtype) for _ in range(4)]
    x = random.normal(mean, 1, shape) * (order >= 0)[:, None, None, None, :]
    return {
        "x": x.astype(dtype),
        "gamma": channels[0],
        "beta": channels[1],
        "z": None,
        "order": order,
        "y": np.empty(shape, dtype),
        "mean": np.empty(shape[1]),
        "inv_std": np.empty(shape[1]),
        "moving_mean": channels[2],
        "moving_var": np.abs(channels[3]),
    }


@pytest.mark.parametrize("activation", ACTIVATIONS)
@settings(deadline=None, max_examples=20)
@given(shape=shapes, halo=halos, seed=st.integers(0, 99), affine=st.booleans(), adds=st.booleans())
def test_forward(activation, shape, halo, seed, affine, adds):
    arrays = some_arrays(seed, shape)
    arrays.update(x=with_halo(arrays["x"], halo), y=with_halo(arrays["y"], halo))
    if adds:
        arrays = with_sum(arrays, seed, halo)
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
@given(shape=shapes, halo=halos, seed=st.integers(0, 99), affine=st.booleans(), adds=st.booleans())
def test_inference(activation, shape, halo, seed, affine, adds):
    arrays = some_arrays(seed, shape)
    if adds:
        arrays = with_sum(arrays, seed, halo)
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
    forward = run("batch_norm_forward", arrays, "reference", activation=activation, **params)

    def view(array):
        return with_halo(array, halo) if halo else array

    return {
        "x": view(arrays["x"]),
        "dy": view(dy),
        "gamma": arrays["gamma"],
        "beta": arrays["beta"],
        "mean": forward["mean"],
        "inv_std": forward["inv_std"],
        "order": arrays["order"],
        "dx": view(np.empty_like(arrays["x"])),
        "dgamma": np.empty_like(arrays["gamma"]),
        "dbeta": np.empty_like(arrays["beta"]),
    }


@pytest.mark.parametrize("activation", ACTIVATIONS)
@settings(deadline=None, max_examples=20)
@given(shape=shapes, halo=halos, seed=st.integers(0, 99), affine=st.booleans())
def test_backward(activation, shape, halo, seed, affine):
    arrays = some_arrays(seed, shape)
    dy = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    arrays = backward_arrays(arrays, dy, activation, halo, alpha=0.1, epsilon=1e-2)
    if not affine:
        arrays.update(gamma=None, beta=None, dgamma=None, dbeta=None)
    params = {"activation": activation, "alpha": 0.1}
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


@pytest.mark.parametrize("activation", ["linear", "relu", "gelu", "tanh"])
@pytest.mark.parametrize("place", ["dy", "x"])
@pytest.mark.parametrize(("backend", "isa"), makers("batch_norm_backward"))
def test_backward_in_place(backend, isa, place, activation):
    shape = (2, 3, 5, 5, 8)
    dy = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    arrays = backward_arrays(some_arrays(0, shape), dy, activation)
    params = {"activation": activation}
    expected = run("batch_norm_backward", arrays, backend, isa=isa, **params)["dx"]
    program = new_program(backend, isa) if isa else new_program(backend)
    program.add("batch_norm_backward", {**arrays, "dx": arrays[place]}, **params)
    program.run(threads=2)
    np.testing.assert_array_equal(arrays[place], expected)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("isa", isas())
def test_fused_is_bitwise_what_the_steps_give_one_by_one(isa, activation):
    """Norm, sum, activation forward; without the sum also the way back."""
    shape, act = (3, 2, 5, 7, 16), {"activation": activation, "alpha": 0.1}
    arrays = some_arrays(0, shape)
    dy = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    normal = run("batch_norm_forward", arrays, "native", isa=isa)
    y = run("activation_forward", {"x": normal["y"], "y": arrays["y"]}, "native", isa=isa, **act)
    fused = run("batch_norm_forward", arrays, "native", isa=isa, **act)["y"]
    valid = np.broadcast_to((arrays["order"] >= 0)[:, None, None, None, :], shape)
    np.testing.assert_array_equal(fused, np.where(valid, y["y"], 0))

    z = with_sum(arrays, 5, (0, 0, 0, 0))
    total = {"x": normal["y"], "z": z["z"], "y": arrays["y"]}
    y = run("add", total, "native", isa=isa, **act)["y"]
    fused = run("batch_norm_forward", z, "native", isa=isa, **act)["y"]
    np.testing.assert_array_equal(fused[valid], y[valid])

    back = backward_arrays(arrays, dy, "linear")
    back |= {"mean": normal["mean"], "inv_std": normal["inv_std"]}
    fused = run("batch_norm_backward", back, "native", isa=isa, **act)
    slope, kernel = {"dy": dy, "x": normal["y"], "dx": np.empty_like(dy)}, "activation_backward"
    if activation in SLOPE_FROM_INPUT:
        act, kernel = {"activation": activation}, "activation_input_backward"
    else:
        values = {"x": normal["y"], "y": arrays["y"]}
        slope["y"] = run("activation_forward", values, "native", isa=isa, **act)["y"]
        del slope["x"]
    ds = run(kernel, slope, "native", isa=isa, **act)["dx"]
    for name, value in run("batch_norm_backward", {**back, "dy": ds}, "native", isa=isa).items():
        np.testing.assert_array_equal(fused[name], value)
