"""Normalization and ZCA whitening: statistics of the data as a layer."""

import numpy as np
import pytest

from fastcnn import Sequential, load_model
from fastcnn import layers as L
from fastcnn.errors import OptionError, ShapeError
from fastcnn.kernels.backends import BACKENDS

KINDS = {"normalization": L.Normalization, "zca_whitening": lambda: L.ZCAWhitening(1e-3)}


def photographs(count=400, seed=0):
    """Floats whose neighbours are alike, of other means and contrasts in each channel."""
    random = np.random.default_rng(seed)
    noise = random.normal(size=(count, 5, 4, 2))
    smooth = noise + np.roll(noise, 1, axis=1)
    return (smooth * [2.0, 0.5] + [1.0, -3.0]).astype(np.float32)


def first(images):
    return np.moveaxis(images, -1, 1)


@pytest.fixture(params=KINDS)
def layer(request):
    made = KINDS[request.param]()
    made.adapt(first(photographs()))
    return made


def through(layer, images, **options):
    return Sequential([layer], images.shape[1:], **options).predict(images)


@pytest.mark.parametrize("backend", BACKENDS)
def test_normalization_gives_mean_0_and_variance_1(backend):
    layer = L.Normalization()
    layer.adapt(first(photographs()))
    y = through(layer, photographs(), backend=backend)
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), 1, rtol=1e-5)


def test_zca_gives_the_identity_as_covariance():
    layer = L.ZCAWhitening(1e-6)
    layer.adapt(first(photographs()))
    y = first(through(layer, photographs())).reshape(400, 40)
    np.testing.assert_allclose(np.cov(y.T, bias=True), np.eye(40), atol=2e-3)
    kernel = layer.statistics["kernel"]
    np.testing.assert_allclose(kernel, kernel.T, atol=1e-9)


def test_adapting_again_counts_in_a_model_that_has_the_layer():
    layer = L.Normalization()
    layer.adapt(first(photographs()))
    model = Sequential([layer], (5, 4, 2))
    layer.adapt(first(3 * photographs()))
    y = model.predict(3 * photographs())
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), 1, rtol=1e-5)


def test_constant_channels_stay_finite():
    for kind in KINDS.values():
        layer = kind()
        layer.adapt(np.ones((9, 2, 5, 4)))
        assert np.isfinite(through(layer, photographs(3))).all()


def test_statistics_do_not_learn_and_are_saved(layer, tmp_path):
    images, labels = photographs(), np.arange(400) % 3
    model = Sequential([layer, L.Flatten(), L.Dense(3, activation="softmax")])
    model.fit(images, labels, epochs=1, verbose=0)
    for name, value in layer.statistics.items():
        kept = model.get_weights()[f"{layer.registered_name}/{name}"]
        np.testing.assert_allclose(kept, value.reshape(kept.shape).astype(np.float32))
    model.save(tmp_path / "model.safetensors")
    again = load_model(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(images), model.predict(images))


@pytest.mark.parametrize("name", KINDS)
def test_mistakes(name):
    with pytest.raises(OptionError, match="has seen no data: call adapt, or fit"):
        Sequential([KINDS[name]()], (5, 4, 2))
    layer = KINDS[name]()
    with pytest.raises(ShapeError, match="2 samples or more, not 1"):
        layer.adapt(np.zeros((1, 2, 5, 4)))
    layer.adapt(np.zeros((2, 3, 5, 4)))
    with pytest.raises(ShapeError, match="was adapted to"):
        Sequential([layer], (5, 4, 2))
    if name == "zca_whitening":
        with pytest.raises(OptionError, match="epsilon must be positive"):
            L.ZCAWhitening(0)
