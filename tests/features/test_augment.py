"""Augment."""

import numpy as np
import pytest

from fastcnn.engine.augmenter import Augment as Augmentations
from fastcnn.engine.augmenter import augmented
from fastcnn.errors import OptionError
from fastcnn.features import Augment
from tests.features.cases import photographs

IMAGES = photographs((20, 8, 6, 3))


def test_only_training_is_augmented():
    augment = Augment(random_state=0)
    changed = augment.fit_transform(IMAGES)
    np.testing.assert_array_equal(augment.transform(IMAGES), IMAGES)
    mirrored = np.array(
        [np.array_equal(c, x[:, ::-1]) for c, x in zip(changed, IMAGES, strict=True)]
    )
    same = np.array([np.array_equal(c, x) for c, x in zip(changed, IMAGES, strict=True)])
    assert (mirrored ^ same).all() and 0 < mirrored.sum() < 20


def test_as_the_engine_augments():
    given = ["flip", {"name": "shift", "pixels": 1}]
    options = {"fill": "constant", "fill_value": 7.0}
    seed = np.random.RandomState(3).randint(2**31)
    expected = augmented(Augmentations(given, **options), IMAGES / np.float32(255), int(seed))
    got = Augment(given, random_state=3, **options).fit_transform(IMAGES / 255)
    np.testing.assert_array_equal(got, expected)


def test_random_states():
    once = Augment(random_state=1).fit_transform(IMAGES)
    np.testing.assert_array_equal(Augment(random_state=1).fit_transform(IMAGES), once)
    assert not np.array_equal(Augment(random_state=2).fit_transform(IMAGES), once)


def test_bytes_stay_bytes():
    bright = Augment([{"name": "brightness", "amount": 0.9}], random_state=0)
    assert bright.fit_transform(IMAGES).dtype == np.uint8
    assert bright.fit_transform(IMAGES / 255).dtype == np.float32


def test_grey_images_and_rows():
    grey = IMAGES[..., 0]
    expected = Augment(random_state=0).fit_transform(grey)
    assert expected.shape == grey.shape
    rows = Augment(random_state=0, input_shape=(8, 6)).fit_transform(grey.reshape(20, -1))
    np.testing.assert_array_equal(rows, expected.reshape(20, -1))


def test_images_can_not_be_mixed():
    with pytest.raises(OptionError, match="can't mix images"):
        Augment(["mixup"]).fit(IMAGES)
