"""Dropout's relatives in whole models."""

import numpy as np
import pytest

import fastcnn
from fastcnn import layers as L
from fastcnn.engine.graph import Graph
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.plan import Head, Plan, Source
from fastcnn.errors import OptionError, ShapeError
from fastcnn.plugins.registry import losses, make

LAYERS = [
    L.GaussianNoise(0.5),
    L.GaussianDropout(0.3),
    L.SpatialDropout2D(0.3),
    L.AlphaDropout(0.3),
]
ids = [type(layer).__name__ for layer in LAYERS]


def while_training(layer, images, step=0):
    """What a training plan makes of images: the input of the dense layer after the layer."""
    channels = images.shape[-1]
    graph = Graph.chain((channels, *images.shape[1:3]), [layer, L.Flatten(), L.Dense(2)])
    store = ParameterStore(graph, 0)
    loss = make(losses, {"name": "sparse_categorical_crossentropy", "from_logits": True})
    heads = [Head("y", graph.output, loss)]
    plan = Plan(graph, store, len(images), "train", heads=heads)
    plan.bind(Source([images], [np.zeros(len(images), np.int64)]))
    plan.state[:] = 5, step
    plan.run(np.arange(len(images)), 1)
    y = plan.stages[0].y.resolve()
    return y.transpose(0, 4, 2, 3, 1).reshape(-1, *images.shape[1:])[: len(images)]


@pytest.mark.parametrize("layer", LAYERS, ids=ids)
def test_prediction_changes_nothing(layer):
    x = np.random.default_rng(0).normal(size=(5, 4, 3, 2)).astype(np.float32)
    model = fastcnn.Sequential([layer, L.Flatten()], seed=0)
    model.build(x.shape[1:])
    np.testing.assert_array_equal(model.predict(x), x.reshape(5, -1))


@pytest.mark.parametrize("layer", LAYERS, ids=ids)
def test_mean_stays(layer):
    """Of numbers of mean 0 and variance 1, and their variance where that is promised."""
    x = np.random.default_rng(0).normal(size=(64, 16, 16, 24)).astype(np.float32)
    y = while_training(layer, x)
    assert abs(y.mean()) < 0.01
    variance = {
        "gaussian_noise": 1.25,
        "gaussian_dropout": 1 / 0.7,
        "spatial_dropout2d": 1 / 0.7,
        "alpha_dropout": 1.0,
    }[layer.registered_name]
    assert y.var() == pytest.approx(variance, abs=0.05)
    assert not np.array_equal(y, while_training(layer, x, step=1))


@pytest.mark.parametrize("layer", [L.GaussianDropout, L.SpatialDropout2D, L.AlphaDropout])
def test_rates(layer):
    with pytest.raises(OptionError, match=r"lies in \[0, 1\), not 1"):
        layer(1)


def test_other_errors():
    with pytest.raises(OptionError, match="stddev must not be negative"):
        L.GaussianNoise(-1)
    with pytest.raises(ShapeError, match="needs images"):
        Graph.chain((5,), [L.SpatialDropout2D(0.5)])
