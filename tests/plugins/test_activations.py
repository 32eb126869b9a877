"""Every registered activation: what is fused, other names and mistakes."""

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
def test_what_is_fusable_is_fused(activation):
    function = make_activation(activation)
    stages = make_stages(Graph.chain((2, 6, 5), net(activation)), 16)
    assert len(stages) == (5 if function.fusable else 8)


def test_the_kernels_serve_all_activations_of_the_table():
    codes = {make_activation(a).code for a in ELEMENTWISE}
    assert codes - {""} == set(ENUMS["activation"])


def test_repr_shows_the_options():
    assert repr(make_activation(OPTIONS[1])) == "ELU(alpha=0.5)"


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
        (lambda: make_activation(np.tanh), "activation must be a name, .*available: elu"),
        (lambda: L.ELU(-1.0), "alpha must not be negative"),
        (lambda: L.LeakyReLU(-0.1), "negative_slope must not be negative"),
        (lambda: L.ReLU(threshold=-1.0), "threshold must not be negative"),
        (lambda: L.ReLU(max_value=float("nan")), "max_value must be a finite number"),
        (lambda: make_activation({"name": "elu", "slope": 1}), "unknown option of activation"),
        (lambda: L.Activation("softmax"), r"use the layer Softmax\(\)"),
        (lambda: L.Dense(2, activation="tahn"), "did you mean 'tanh'"),
        (lambda: L.Add(activation="tahn"), "did you mean 'tanh'"),
    ],
)
def test_errors(make_it, message):
    with pytest.raises(OptionError, match=message):
        make_it()
