"""Every registered activation, by its name, and one that a plugin might bring."""

import numpy as np
import pytest

import fastcnn
from fastcnn import activations as A
from fastcnn import layers as L
from fastcnn.engine.activation import Elementwise, make_activation
from fastcnn.engine.graph import Graph
from fastcnn.engine.stage import make_stages
from fastcnn.errors import OptionError
from fastcnn.kernels.spec import ENUMS
from fastcnn.plugins.registry import activations, config_of, make
from tests.engine.test_gradients import LOSSES, check

OPTIONS = [
    {"name": "leaky_relu", "negative_slope": 0.1},
    {"name": "elu", "alpha": 0.5},
    {"name": "threshold", "threshold": 0.3},
    {"name": "relu", "negative_slope": 0.2},
    {"name": "relu", "max_value": 6.0},
    {"name": "relu", "max_value": 0.8},
    {"name": "relu", "negative_slope": 0.1, "max_value": 1.0, "threshold": 0.2},
]
ALL = [*activations.names(), *OPTIONS]
ELEMENTWISE = [a for a in ALL if isinstance(make_activation(a), Elementwise)]
X = np.random.default_rng(0).normal(0, 3, 400)


@pytest.fixture
def cube():
    """An activation in plain NumPy."""

    @activations.register("test_cube")
    class Cube(Elementwise):
        """y = factor x^3"""

        def __init__(self, factor=1.0):
            self.factor = factor

        def value(self, x):
            return self.factor * x**3

        def slope(self, x):
            return 3 * self.factor * x**2

    yield "test_cube"
    del activations._found["test_cube"]


def net(activation):
    """Where a convolution may take it, after a pool that was taken first, and after a dense."""
    return [
        L.Conv2D(3, 3, padding="same", activation=activation),
        L.Conv2D(2, 2),
        L.MaxPooling2D(2),
        L.Activation(activation),
        L.Flatten(),
        L.Dense(4, activation=activation),
        L.Dense(3),
    ]


@pytest.mark.parametrize("activation", ELEMENTWISE, ids=str)
def test_slope_is_the_derivative_of_value(activation):
    function = make_activation(activation)
    numeric = (function.value(X + 1e-6) - function.value(X - 1e-6)) / 2e-6
    np.testing.assert_allclose(function.slope(X), numeric, rtol=1e-6, atol=1e-8)
    assert function.value(X.astype(np.float32)).shape == X.shape


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("activation", ELEMENTWISE, ids=str)
def test_gradients(activation, fuse):
    check(Graph.chain((2, 6, 5), net(activation)), LOSSES[0], batch=17, fuse=fuse)


@pytest.mark.parametrize("activation", ["softmax", "log_softmax"])
def test_gradients_over_channels(activation):
    stack = [L.Conv2D(3, 3, activation=activation), L.Flatten(), L.Dense(4, activation=activation)]
    check(Graph.chain((2, 6, 5), [*stack, L.Dense(3)]), LOSSES[0])


@pytest.mark.parametrize("activation", ELEMENTWISE, ids=str)
def test_what_is_fused_never_falls(activation):
    """The plan may pool before it: the largest x must give the largest y."""
    function = make_activation(activation)
    if function.fusable:
        assert (np.diff(function.value(np.sort(X))) >= 0).all()
    stages = make_stages(Graph.chain((2, 6, 5), net(activation)), 16)
    assert len(stages) == (5 if function.fusable else 8)


def test_the_kernels_serve_all_activations_of_the_table():
    codes = {make_activation(a).code for a in ELEMENTWISE}
    assert codes - {""} == set(ENUMS["activation"])


@pytest.mark.parametrize("activation", ALL, ids=str)
def test_native_matches_reference_and_survives_saving(activation, tmp_path):
    assert_same_after_saving(activation, tmp_path)


def test_a_plugin_in_plain_numpy(cube, tmp_path):
    check(Graph.chain((2, 6, 5), net({"name": cube, "factor": 0.05})), LOSSES[0])
    assert_same_after_saving({"name": cube, "factor": 0.05}, tmp_path)
    assert_same_after_saving(activations.get(cube)(0.05), tmp_path)


def assert_same_after_saving(activation, tmp_path):
    x = np.random.default_rng(1).normal(size=(5, 6, 5, 2)).astype(np.float32)
    stack = [L.Conv2D(3, 3, activation=activation), L.Flatten(), L.Dense(3, activation=activation)]
    model = fastcnn.Sequential(stack, seed=3)
    model.build((6, 5, 2))
    y = model.predict(x)
    model.save(tmp_path / "model.fcnn")
    np.testing.assert_array_equal(fastcnn.load_model(tmp_path / "model.fcnn").predict(x), y)
    reference = fastcnn.load_model(tmp_path / "model.fcnn", backend="reference").predict(x)
    np.testing.assert_allclose(reference, y, atol=1e-5)


@pytest.mark.parametrize("activation", ALL, ids=str)
def test_config_makes_the_same_again(activation):
    function = make_activation(activation)
    again = make(activations, config_of(function))
    assert config_of(again) == config_of(function)
    assert repr(again) == repr(function)


def test_silu_is_swish():
    np.testing.assert_array_equal(A.SiLU().value(X), A.Swish().value(X))


@pytest.mark.parametrize(
    ("layer", "function"),
    [
        (L.ReLU(), A.ReLU()),
        (L.ReLU(max_value=2.0, negative_slope=0.1, threshold=0.5), A.ReLU(0.1, 2.0, 0.5)),
        (L.LeakyReLU(), A.LeakyReLU(0.3)),
        (L.ELU(0.5), A.ELU(0.5)),
    ],
    ids=str,
)
def test_layers_of_their_own(layer, function):
    assert config_of(layer.function) == config_of(function)
    assert config_of(make(fastcnn.plugins.registry.layers, config_of(layer))) == config_of(layer)


@pytest.mark.parametrize(
    ("make_it", "message"),
    [
        (lambda: make_activation("rleu"), "did you mean 'relu'"),
        (lambda: make_activation(np.tanh), "an activation is a name, .*names: elu"),
        (lambda: L.ELU(-1.0), "alpha must not be negative"),
        (lambda: L.LeakyReLU(-0.1), "negative_slope must not be negative"),
        (lambda: L.ReLU(threshold=-1.0), "threshold must not be negative"),
        (lambda: L.ReLU(max_value=float("nan")), "max_value must not be negative"),
        (lambda: make_activation({"name": "elu", "slope": 1}), "unknown option of activation"),
        (lambda: L.Activation("softmax"), r"use the layer Softmax\(\)"),
        (lambda: L.Dense(2, activation="tahn"), "did you mean 'tanh'"),
        (lambda: L.Add(activation="tahn"), "did you mean 'tanh'"),
    ],
)
def test_errors(make_it, message):
    with pytest.raises(OptionError, match=message):
        make_it()
