"""Statistics of pixels against NumPy's own."""

import numpy as np
import pytest

from fastcnn import Sequential
from fastcnn import layers as L
from fastcnn.training import normalisation as module
from fastcnn.training.normalisation import channel_statistics, normalisation, normalise_inputs


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_statistics_are_numpys(monkeypatch, dtype, channels):
    monkeypatch.setattr(module, "CHUNK", 4)
    images = np.random.default_rng(0).integers(0, 256, (11, 5, 3, channels)).astype(dtype)
    mean, std = channel_statistics(images)
    np.testing.assert_allclose(mean, images.mean((0, 1, 2), np.float64))
    np.testing.assert_allclose(std, images.std((0, 1, 2), np.float64))


def test_normalised_images_have_mean_0_and_deviation_1():
    images = np.random.default_rng(0).integers(0, 256, (9, 4, 4, 2)).astype(np.uint8)
    made = normalisation(images)
    scale, offset = made.factors(images.dtype)
    x = images * scale + offset
    np.testing.assert_allclose(x.mean((0, 1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(x.std((0, 1, 2)), 1)


def test_a_constant_channel_becomes_0():
    images = np.full((3, 4, 4, 1), 7, np.uint8)
    made = normalisation(images)
    scale, offset = made.factors(images.dtype)
    np.testing.assert_allclose(images * scale + offset, 0, atol=1e-12)


def test_a_first_layer_that_scales_pixels_is_left_alone():
    images = np.random.default_rng(0).integers(0, 256, (9, 4, 4, 2)).astype(np.uint8)
    for first, is_plain in ((L.Rescaling(1 / 255), True), (L.Flatten(), False)):
        model = Sequential([first, L.Flatten(), L.Dense(2)], (4, 4, 2))
        normalise_inputs(model, images)
        assert (model.preprocessing is None) == is_plain
