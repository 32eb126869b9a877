import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.errors import OptionError
from fastcnn.kernels.native import isas
from fastcnn.kernels.spec import ENUMS, OPS, SLOPE_FROM_INPUT, SLOPE_FROM_OUTPUT
from tests.kernels.compare import (
    assert_native_matches_reference,
    central_differences,
    makers,
    run,
)
from tests.kernels.halos import assert_halo_untouched, with_halo

ACTIVATIONS = sorted(ENUMS["activation"])
RECTIFIERS = [
    {"negative_slope": 0.0, "max_value": 1.5, "threshold": 0.0},
    {"negative_slope": 0.2, "max_value": 2.0, "threshold": 0.5},
    {"negative_slope": 0.1, "max_value": np.inf, "threshold": 1.0},
]
shapes = st.tuples(*(st.integers(1, n) for n in (3, 4, 5, 5)), st.sampled_from([1, 4, 8, 16]))
halos = st.tuples(*(st.integers(0, 2),) * 4)
quick = settings(deadline=None, max_examples=10)


def normal(seed, shape, halo=(0, 0, 0, 0), spread=3.0):
    values = np.random.default_rng(seed).normal(0, spread, shape).astype(np.float32)
    return with_halo(values, halo)


def forward(x, backend="reference", isa=None, kernel="activation_forward", **params):
    return run(kernel, {"x": x, "y": np.zeros_like(x)}, backend, isa=isa, **params)["y"]


def assert_both_directions(kernel, params, backward, backward_params, known, shape, halo, seed):
    """known: "x" or "y", from which the backward kernel has the slope."""
    x, dy = normal(seed, shape, halo), normal(seed + 1, shape, halo)
    out = with_halo(np.zeros_like(x), halo)
    assert_native_matches_reference(kernel, {"x": x, "y": out}, **params)
    tensors = {"x": x, "y": forward(x, kernel=kernel, **params)}
    arrays = {"dy": dy, known: tensors[known], "dx": out}
    assert_native_matches_reference(backward, arrays, **backward_params)
    assert_halo_untouched(run(backward, arrays, "native", **backward_params)["dx"])


@pytest.mark.parametrize("activation", SLOPE_FROM_OUTPUT)
@quick
@given(shape=shapes, halo=halos, seed=st.integers(0, 99))
def test_slope_from_output(activation, shape, halo, seed):
    params = {"activation": activation, "alpha": 0.1}
    kernels = ("activation_forward", params, "activation_backward", params)
    assert_both_directions(*kernels, "y", shape, halo, seed)


@pytest.mark.parametrize("activation", SLOPE_FROM_INPUT)
@quick
@given(shape=shapes, halo=halos, seed=st.integers(0, 99))
def test_slope_from_input(activation, shape, halo, seed):
    params = {"activation": activation}
    kernels = ("activation_forward", params, "activation_input_backward", params)
    assert_both_directions(*kernels, "x", shape, halo, seed)


@pytest.mark.parametrize("params", RECTIFIERS, ids=str)
@quick
@given(shape=shapes, halo=halos, seed=st.integers(0, 99))
def test_rectifier(params, shape, halo, seed):
    kernels = ("rectifier_forward", params, "rectifier_backward", params)
    assert_both_directions(*kernels, "x", shape, halo, seed)


def assert_gradient(kernel, params, backward, backward_params, known):
    x, dy = np.random.default_rng(0).normal(0, 2, size=(2, 1, 2, 3, 2, 2))
    tensors = {"x": x, "y": forward(x, kernel=kernel, **params)}
    numeric = central_differences(
        lambda x: float((forward(x, kernel=kernel, **params) * dy).sum()), x
    )
    arrays = {"dy": dy, known: tensors[known], "dx": np.empty_like(x)}
    analytic = run(backward, arrays, "reference", **backward_params)["dx"]
    np.testing.assert_allclose(analytic, numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient(activation):
    params = {"activation": activation, "alpha": 0.1}
    if activation in SLOPE_FROM_OUTPUT:
        assert_gradient("activation_forward", params, "activation_backward", params, "y")
    else:
        own = {"activation": activation}
        assert_gradient("activation_forward", params, "activation_input_backward", own, "x")


@pytest.mark.parametrize("params", RECTIFIERS, ids=str)
def test_gradient_of_rectifier(params):
    assert_gradient("rectifier_forward", params, "rectifier_backward", params, "x")


@pytest.mark.parametrize("isa", isas())
def test_nan_stays_nan(isa):
    """A network that diverges must be seen to diverge."""
    x = np.full((1, 1, 1, 1, 16), np.nan, np.float32)
    for activation in ACTIVATIONS:
        assert np.isnan(forward(x, "native", isa, activation=activation)).all(), activation
    for params in RECTIFIERS:
        assert np.isnan(forward(x, "native", isa, "rectifier_forward", **params)).all()


@pytest.mark.parametrize("isa", isas())
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_large_inputs(activation, isa):
    x = np.array([-1e30, -200, -90, -88, 88, 90, 200, 1e30], np.float32).reshape(1, 2, 1, 1, 4)
    y = forward(x, "native", isa, activation=activation)
    with np.errstate(all="ignore"):
        expected = forward(x.astype(np.float64), activation=activation)
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-7)


def test_a_slope_that_cannot_be_had():
    x = np.zeros((1, 1, 1, 1, 4), np.float32)
    with pytest.raises(OptionError, match=r"activation of activation_backward 'gelu'.*softplus"):
        run("activation_backward", {"dy": x, "y": x, "dx": x}, "native", activation="gelu")
    with pytest.raises(OptionError, match="activation of activation_input_backward 'relu'"):
        run("activation_input_backward", {"dy": x, "x": x, "dx": x}, "native", activation="relu")
    with pytest.raises(OptionError, match="did you mean 'relu'"):
        forward(x, "native", activation="rleu")


def test_every_activation_belongs_to_one_kind():
    assert sorted((*SLOPE_FROM_OUTPUT, *SLOPE_FROM_INPUT)) == ACTIVATIONS
    assert {OPS["activation_forward"].params["activation"]} <= set(ACTIVATIONS)


@pytest.mark.parametrize("params", RECTIFIERS, ids=str)
def test_the_rectifier_at_its_threshold(params):
    """There it still lies on the line below, as without options: the ReLU's slope at 0 is 0."""
    x = np.full((1, 1, 1, 1, 16), params["threshold"], np.float32)
    slopes = {"dy": np.ones_like(x), "x": x, "dx": np.empty_like(x)}
    for backend, isa in makers("rectifier_backward"):
        assert not forward(x, backend, isa, "rectifier_forward", **params).any()
        dx = run("rectifier_backward", slopes, backend, isa=isa, **params)["dx"]
        np.testing.assert_allclose(dx, params["negative_slope"], rtol=1e-6)
