"""Normalization and ZCA whitening: statistics of the data as a layer."""

import numpy as np
import pytest

from fastcnn import Sequential, load_model
from fastcnn import layers as L
from fastcnn.engine.preprocessing import Preprocessing
from fastcnn.errors import OptionError, ShapeError
from fastcnn.kernels.backends import BACKENDS

KINDS = {
    "normalization": L.Normalization,
    "patch_whitening": L.PatchWhitening,
    "zca_whitening": lambda: L.ZCAWhitening(1e-3),
}


def photographs(count=400, seed=0):
    """Floats whose neighbours are alike, of other means and contrasts in each channel."""
    random = np.random.default_rng(seed)
    noise = random.normal(size=(count, 5, 4, 2))
    smooth = noise + np.roll(noise, 1, axis=1)
    return (smooth * [2.0, 0.5] + [1.0, -3.0]).astype(np.float32)


@pytest.fixture(params=KINDS)
def layer(request):
    made = KINDS[request.param]()
    made.adapt(photographs())
    return made


def through(layer, images, **options):
    return Sequential([layer], images.shape[1:], **options).predict(images)


@pytest.mark.parametrize("backend", BACKENDS)
def test_normalization_gives_mean_0_and_variance_1(backend):
    layer = L.Normalization()
    layer.adapt(photographs())
    y = through(layer, photographs(), backend=backend)
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), 1, rtol=1e-5)


def test_zca_gives_the_identity_as_covariance():
    layer = L.ZCAWhitening(1e-6)
    layer.adapt(photographs())
    y = np.moveaxis(through(layer, photographs()), -1, 1).reshape(400, 40)
    np.testing.assert_allclose(np.cov(y.T, bias=True), np.eye(40), atol=2e-3)
    kernel = layer.statistics["kernel"]
    np.testing.assert_allclose(kernel, kernel.T, atol=1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
def test_patches_become_white(backend):
    images = photographs() - photographs().mean(axis=(0, 1, 2))
    layer = L.PatchWhitening((2, 3), 1e-9)
    layer.adapt(images)
    y = through(layer, images, backend=backend)
    assert y.shape == (400, 4, 2, 24)
    np.testing.assert_array_equal(y[..., 12:], -y[..., :12])
    rows = y[..., :12].reshape(-1, 12)
    np.testing.assert_allclose(rows.T @ rows / len(rows), np.eye(12), atol=1e-3)


def test_patch_filters_come_in_the_order_of_their_variance():
    layer = L.PatchWhitening(2, epsilon=0.5)
    layer.adapt(photographs())
    norms = np.linalg.norm(layer.statistics["kernel"].reshape(16, 8), axis=1)
    values = 1 / norms**2 - 0.5  # eigenvalues, largest first
    assert (np.diff(values[:8]) < 0).all() and values[7] > 0
    np.testing.assert_allclose(norms[:8], norms[8:])


@pytest.mark.parametrize("name", KINDS)
def test_fit_adapts_layers_to_what_they_will_see(name):
    images, labels = photographs(), np.arange(400) % 3
    layer, by_hand = KINDS[name](), KINDS[name]()
    model = Sequential([layer, L.Flatten(), L.Dense(3, activation="softmax")])
    model.preprocessing = Preprocessing(np.array([2.0, 1.0]), np.array([0.0, 3.0]))
    model.fit(images, labels, epochs=1, verbose=0)
    by_hand.adapt(images * [2.0, 1.0] + [0.0, 3.0])
    for key, value in by_hand.statistics.items():
        np.testing.assert_allclose(layer.statistics[key], value, rtol=1e-6, atol=1e-9)
    before = {key: value.copy() for key, value in layer.statistics.items()}
    model.fit(3 * images, labels, epochs=2, verbose=0)
    assert all(np.array_equal(before[key], layer.statistics[key]) for key in before)


def test_fit_adapts_to_some_of_many_images(monkeypatch):
    monkeypatch.setattr("fastcnn.training.adapting.SAMPLES", 30)
    layers = [L.Normalization(), L.Normalization()]
    for layer in layers:
        stack = [layer, L.Flatten(), L.Dense(3, activation="softmax")]
        Sequential(stack, seed=2).fit(photographs(), np.arange(400) % 3, verbose=0)
    one, other = (layer.statistics["scale"] for layer in layers)
    assert np.array_equal(one, other)
    layers[1].adapt(photographs())
    assert not np.array_equal(one, layers[1].statistics["scale"])


def test_adapting_again_counts_in_a_model_that_has_the_layer():
    layer = L.Normalization()
    layer.adapt(photographs())
    model = Sequential([layer], (5, 4, 2))
    layer.adapt(3 * photographs())
    y = model.predict(3 * photographs())
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), 1, rtol=1e-5)


def test_constant_channels_stay_finite():
    for kind in KINDS.values():
        layer = kind()
        layer.adapt(np.ones((9, 5, 4, 2)))
        assert np.isfinite(through(layer, photographs(3))).all()


def test_statistics_do_not_learn_and_are_saved(layer, tmp_path):
    images, labels = photographs(), np.arange(400) % 3
    model = Sequential([layer, L.Flatten(), L.Dense(3, activation="softmax")])
    model.fit(images, labels, epochs=1, verbose=0)
    for name, value in layer.statistics.items():
        kept = model.get_weights()[f"{layer.registered_name}/{name}"]
        np.testing.assert_array_equal(kept, value.reshape(kept.shape).astype(np.float32))
    model.save(tmp_path / "model.safetensors")
    again = load_model(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(images), model.predict(images))


@pytest.mark.parametrize("name", KINDS)
def test_mistakes(name):
    with pytest.raises(OptionError, match="has seen no data: call adapt, or fit"):
        Sequential([KINDS[name]()], (5, 4, 2)).predict(photographs(3))
    layer = KINDS[name]()
    with pytest.raises(ShapeError, match="2 samples or more, not 1"):
        layer.adapt(np.zeros((1, 5, 4, 2)))
    layer.adapt(np.zeros((2, 5, 4, 3)))
    with pytest.raises(ShapeError, match="was adapted to"):
        Sequential([layer], (5, 4, 2))
    if name == "zca_whitening":
        with pytest.raises(OptionError, match="epsilon must be positive"):
            L.ZCAWhitening(0)
    if name == "patch_whitening":
        with pytest.raises(OptionError, match="epsilon must be a positive number"):
            L.PatchWhitening(epsilon=0)
        with pytest.raises(ShapeError, match="larger than the padded image"):
            L.PatchWhitening(9).adapt(photographs())
