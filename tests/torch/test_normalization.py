"""Normalising layers against PyTorch, running statistics too."""

from copy import deepcopy

import numpy as np
import pytest

from fastcnn import layers as L
from tests.run_layers import run_layers
from tests.torch.against import (
    BACKENDS,
    F,
    assert_as_torch,
    assert_close,
    names_of,
    needs_torch,
    parameters_for,
    samples,
    tensor,
    torch,
)

pytestmark = needs_torch
X = (6, 5, 4)


def channels_last(x):
    return x.movedim(1, -1)


def layer_norm(epsilon=1e-3):
    def function(x, gamma=None, beta=None):
        y = F.layer_norm(channels_last(x), x.shape[1:2], gamma, beta, epsilon)
        return y.movedim(-1, 1)

    return function


def group_norm(groups, epsilon=1e-3):
    return lambda x, gamma=None, beta=None: F.group_norm(x, groups, gamma, beta, epsilon)


def instance_norm(x, gamma, beta):
    return F.instance_norm(x, weight=gamma, bias=beta, eps=1e-3)


def lrn(*arguments):
    return lambda x: F.local_response_norm(x, *arguments)


def lrn_of_features(x):
    return F.local_response_norm(x[:, :, None], 3, 0.5, 0.75, 1.0)[:, :, 0]


ROWS = [  # layer, shape of a sample, the same in PyTorch
    (L.LayerNormalization(), X, layer_norm()),
    (L.LayerNormalization(0.1, center=False), (6, 9), layer_norm(0.1)),
    (L.LayerNormalization(scale=False), (7,), layer_norm()),
    (L.GroupNormalization(2), X, group_norm(2)),
    (L.GroupNormalization(1), X, group_norm(1)),
    (L.GroupNormalization(3, 0.1, scale=False, center=False), (6, 9), group_norm(3, 0.1)),
    (L.GroupNormalization(2), (8,), group_norm(2)),
    (L.GroupNormalization(-1), X, instance_norm),
    (L.LocalResponseNormalization(), X, lrn(5, 1e-4, 0.75, 2.0)),
    (L.LocalResponseNormalization(3, 0.5, 0.6, 1.5), X, lrn(3, 0.5, 0.6, 1.5)),
    (L.LocalResponseNormalization(13, 2.0), (6, 9), lrn(13, 2.0, 0.75, 2.0)),
    (L.LocalResponseNormalization(3, 0.5, k=1.0), (7,), lrn_of_features),
]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("layer", "shape", "function"), ROWS, ids=names_of(ROWS))
def test_values_and_gradients(layer, shape, function, backend):
    assert_as_torch(layer, samples(shape), function, backend)


BATCH_NORMS = [
    L.BatchNormalization(),
    L.BatchNormalization(0.6, 0.1),
    L.BatchNormalization(0.9, center=False),
    L.BatchNormalization(0, scale=False),
]


def batch_norm(layer, training, kept):
    def function(x, moving_mean, moving_var, gamma=None, beta=None):
        kept[:] = moving_mean.detach().clone(), moving_var.detach().clone()
        return F.batch_norm(x, *kept, gamma, beta, training, 1 - layer.momentum, layer.epsilon)

    return function


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shape", [X, (6, 9), (6,)])
@pytest.mark.parametrize("layer", BATCH_NORMS, ids=repr)
def test_batch_norm_in_training(layer, shape, backend):
    """PyTorch keeps the unbiased variance, Keras and we the biased one: (n - 1) / n of it."""
    kept, xs = [], samples(shape)
    result = assert_as_torch(layer, xs, batch_norm(layer, True, kept), backend)
    assert_close(result.parameters["moving_mean"], kept[0], backend)
    n, old = xs[0].size // shape[0], torch.tensor(parameters_for(layer, xs)["moving_var"])
    biased = layer.momentum * old + (kept[1] - layer.momentum * old) * (n - 1) / n
    assert_close(result.parameters["moving_var"], biased, backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shape", [X, (6, 9), (6,)])
@pytest.mark.parametrize("layer", BATCH_NORMS, ids=repr)
def test_batch_norm_in_prediction(layer, shape, backend):
    xs = samples(shape)
    parameters = parameters_for(layer, xs)
    weights = {name: tensor(value) for name, value in parameters.items()}
    y = batch_norm(layer, False, [])(tensor(xs[0]), **weights)
    result = run_layers([deepcopy(layer)], xs, None, parameters, backend)
    assert_close(result.y, y, backend)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("layer", BATCH_NORMS, ids=repr)
def test_frozen_batch_norm_in_training(layer, backend):
    frozen = deepcopy(layer)
    frozen.trainable = False
    result = assert_as_torch(frozen, samples(X), batch_norm(layer, False, []), backend)
    assert result.gradients == {}


@pytest.mark.parametrize("backend", BACKENDS)
def test_normalization_by_the_statistics_of_data(backend):
    """PyTorch has it as a batch norm whose statistics stand still."""
    (x,) = samples(X)
    layer = L.Normalization()
    layer.adapt(3 + 2 * x, data_format="channels_first")
    mean, std = np.mean(3 + 2 * x, (0, 2, 3)), np.std(2 * x, (0, 2, 3))

    def function(x, **_):
        return F.batch_norm(x, torch.tensor(mean), torch.tensor(std**2), eps=0.0)

    assert_as_torch(layer, [x], function, backend, {})
