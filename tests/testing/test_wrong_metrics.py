"""The checks find what is wrong with metrics and augmentations."""

import numpy as np
import pytest

import fastcnn.testing
from fastcnn.engine.augmentation import Augmentation
from fastcnn.engine.metric import Metric
from fastcnn.plugins import registry as registries
from tests.testing.wrong import assert_found, entered


class Share(Metric):
    """How often the first class is right."""

    def __call__(self, y_true, y_pred):
        return float((y_pred.argmax(axis=1)[y_true == 0] == 0).mean())


class OfNumPy(Share):
    """No plain float."""

    def __call__(self, y_true, y_pred):
        return np.float64(1)


class Sorts(Share):
    """Sorts what it is given."""

    def __call__(self, y_true, y_pred):
        y_pred.sort()
        return 1.0


class FirstOnly(Share):
    """Looks at the first sample."""

    def __call__(self, y_true, y_pred):
        return float(y_pred[0, 0])


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (OfNumPy, "a float, not np.float64"),
        (Sorts, "read-only"),
        (FirstOnly, "another order of the samples"),
    ],
)
def test_wrong_metrics(cls, message):
    assert_found(registries.metrics, cls, message)


class Brighter(Augmentation):
    """Up to 10 grey levels more."""

    def apply(self, uniform, records):
        shift = 10 * np.repeat(uniform, records.channels, axis=1)
        records.paint(np.tile(np.eye(records.channels), (len(records), 1, 1)), shift)


class OwnRandom(Brighter):
    """Draws numbers of its own."""

    def apply(self, uniform, records):
        super().apply(np.random.random(uniform.shape), records)  # noqa: NPY002


class MixesWithEmpty(Brighter):
    """The next place is the partner, be it empty or not."""

    mixes = True

    def apply(self, uniform, records):
        super().apply(uniform, records)
        records.partner[...] = (records.partner + 1) % len(records)
        records.share[...] = 0.5


class SecretlyMixes(MixesWithEmpty):
    """Does not say that it mixes."""

    mixes = False


def test_a_right_augmentation_passes():
    with entered(registries.augmentations, Brighter) as name:
        fastcnn.testing.check_augmentation(name)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (OwnRandom, "the same seed and step give other images"),
        (MixesWithEmpty, "images in places 3 and 4 are mixed"),
        (SecretlyMixes, "mixes images, but says it does not"),
    ],
)
def test_wrong_augmentations(cls, message):
    assert_found(registries.augmentations, cls, message)
