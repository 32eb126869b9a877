"""Layer, group and local response normalisation, PReLU and Maxout in whole models."""

import numpy as np
import pytest

import fastcnn
from fastcnn import layers as L
from fastcnn.errors import OptionError, ShapeError

X = np.random.default_rng(0).normal(2, 3, (7, 6, 5, 4)).astype(np.float32)
LABELS = np.arange(7) % 3
LAYERS = [
    L.LayerNormalization(),
    L.LayerNormalization(epsilon=0.1, center=False, gamma_initializer="uniform"),
    L.GroupNormalization(2),
    L.GroupNormalization(-1, scale=False),
    L.LocalResponseNormalization(3, alpha=1.0, k=1.0),
    L.PReLU(alpha_initializer="uniform"),
    L.PReLU(alpha_initializer="uniform", shared_axes=(1, 2)),
    L.Maxout(2),
]


def model_of(*stack, **options):
    model = fastcnn.Sequential(list(stack), seed=1, **options)
    model.build(X.shape[1:])
    return model


def flat(x):
    """As Flatten gives it."""
    return x.reshape(len(x), -1)


def normalised(x, axes, epsilon=1e-3):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


def test_layer_normalization_goes_over_the_channels_of_a_pixel():
    y = model_of(L.LayerNormalization(), L.Flatten()).predict(X)
    np.testing.assert_allclose(y, flat(normalised(X, -1)), atol=1e-5)


def test_layer_normalization_of_features():
    y = model_of(L.Flatten(), L.LayerNormalization()).predict(X)
    np.testing.assert_allclose(y, normalised(flat(X), -1), atol=1e-5)


@pytest.mark.parametrize(("groups", "size"), [(1, 4), (2, 2), (-1, 1)])
def test_group_normalization(groups, size):
    y = model_of(L.GroupNormalization(groups), L.Flatten()).predict(X)
    parts = [normalised(X[..., c : c + size], (1, 2, 3)) for c in range(0, 4, size)]
    np.testing.assert_allclose(y, flat(np.concatenate(parts, axis=-1)), atol=1e-5)


def test_maxout_of_a_dense_layer():
    linear = model_of(L.Flatten(), L.Dense(6))
    y = linear.predict(X)
    maxout = model_of(L.Flatten(), L.Dense(6), L.Maxout(3))
    np.testing.assert_array_equal(maxout.predict(X), y.reshape(7, 2, 3).max(axis=2))


@pytest.mark.parametrize(
    ("shared_axes", "shape"),
    [
        (None, (4, 6, 5)),
        ((1, 2), (4, 1, 1)),
        ((3,), (1, 6, 5)),
        ((2, 3), (1, 6, 1)),
    ],
)
def test_shared_slopes(shared_axes, shape):
    layer = L.PReLU(alpha_initializer={"name": "constant", "value": 0.25}, shared_axes=shared_axes)
    model = model_of(layer, L.Flatten())
    assert model.store.value("prelu/alpha").shape == shape
    np.testing.assert_allclose(model.predict(X), flat(np.where(X > 0, X, 0.25 * X)), rtol=1e-6)


@pytest.mark.parametrize(
    ("make_it", "error", "message"),
    [
        (lambda: L.LayerNormalization(epsilon=0), OptionError, "epsilon must be positive"),
        (lambda: L.GroupNormalization(0), OptionError, "groups .or -1. must be a positive"),
        (lambda: model_of(L.GroupNormalization(3)), ShapeError, "4 channels can't be split into 3"),
        (lambda: L.LocalResponseNormalization(4), OptionError, "size must be odd, not 4"),
        (lambda: L.LocalResponseNormalization(k=0), OptionError, "k must be positive"),
        (lambda: L.Maxout(300), OptionError, "at most 256"),
        (lambda: model_of(L.Maxout(3)), ShapeError, "4 channels can't be split into groups of 3"),
        (lambda: L.PReLU(shared_axes=(0,)), OptionError, "numbers of axes, 1 to 3"),
        (
            lambda: model_of(L.Flatten(), L.PReLU(shared_axes=(2,))),
            ShapeError,
            r"\(120,\) has no axis 2",
        ),
    ],
)
def test_errors(make_it, error, message):
    with pytest.raises(error, match=message):
        make_it()
