"""Augmentation in training: what the net sees, the same bits, soft targets."""

import numpy as np
import pytest

from fastcnn import Sequential, load_model
from fastcnn import layers as L
from fastcnn.augmentations import Augment, Augmentation
from fastcnn.errors import OptionError, ShapeError

ALL = ["flip", {"name": "shift", "pixels": 1}, "rotation", "brightness", {"name": "cutout"}]


def photographs(count=50, seed=0):
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = random.integers(0, 60, (count, 8, 8, 3)) + 90 * labels[:, None, None, None]
    return images.astype(np.uint8), labels


def net(**options):
    stack = [L.Conv2D(4, 3, activation="relu"), L.Flatten(), L.Dropout(0.2)]
    return Sequential([*stack, L.Dense(3, activation="softmax")], (8, 8, 3), **options)


def trained(model, epochs=2, augment=ALL, **options):
    x, y = photographs()
    model.fit(x, y, epochs=epochs, batch_size=16, augment=augment, verbose=0, **options)
    return model


def assert_same_weights(one, two):
    for key, value in one.get_weights().items():
        np.testing.assert_array_equal(value, two.get_weights()[key], err_msg=key)


@pytest.mark.parametrize("augment", [ALL, ["flip", "mixup"], ["cutmix"]], ids=str)
def test_same_bits_for_threads_and_resume(augment, tmp_path):
    whole = trained(net(threads=1), 3, augment)
    for threads in (2, 3):
        assert_same_weights(whole, trained(net(threads=threads), 3, augment))
    begun = trained(net(threads=2), 1, augment)
    begun.save(tmp_path / "begun.safetensors")
    resumed = load_model(tmp_path / "begun.safetensors")
    assert_same_weights(whole, trained(resumed, 2, augment))


def test_augmentation_changes_training_only():
    x, y = photographs()
    plain, changed = trained(net(), augment=None), trained(net())
    assert plain.history.history["loss"] != changed.history.history["loss"]
    fresh, again = net(), net()
    trained(again, epochs=0)
    again.compile()
    fresh.compile()
    assert fresh.evaluate(x, y) == again.evaluate(x, y)
    np.testing.assert_array_equal(fresh.predict(x), again.predict(x))


def test_what_changes_nothing_changes_no_bit():
    class Nothing(Augmentation):
        draws = 0

        def apply(self, uniform, records):
            pass

    assert_same_weights(trained(net(), augment=None), trained(net(), augment=[Nothing()]))


class Twins(Augmentation):
    """Every image mixed half and half with the first of the batch."""

    draws = 0
    mixes = True

    def apply(self, uniform, records):
        records.partner[:] = 0
        records.share[:] = 0.5


@pytest.mark.parametrize(
    ("loss", "dense"),
    [
        ("sparse_categorical_crossentropy", False),
        ("categorical_crossentropy", True),
        ("mean_squared_error", True),
        ({"name": "sparse_categorical_crossentropy", "label_smoothing": 0.2}, False),
    ],
    ids=str,
)
def test_targets_are_mixed_like_images(loss, dense):
    """Training on mixtures made by hand gives the same weights."""
    x, y = photographs(16)
    soft = (np.eye(3)[y] + np.eye(3)[y[:1]]) / 2
    mixed = (x / 255 + x[:1] / 255) / 2
    options = {"epochs": 2, "batch_size": 16, "shuffle": False, "verbose": 0}
    model, by_hand = net(), net()
    model.compile("sgd", loss)
    model.fit(x, np.eye(3)[y] if dense else y, augment=[Twins()], **options)
    if not dense:
        loss = {"name": "categorical_crossentropy", **(loss if isinstance(loss, dict) else {})}
        loss["name"] = "categorical_crossentropy"
    by_hand.compile("sgd", loss)
    by_hand.fit(mixed, soft, **options)
    for key, value in model.get_weights().items():
        np.testing.assert_allclose(value, by_hand.get_weights()[key], rtol=0, atol=2e-6)


def test_mistakes():
    model = net()
    model.compile(loss="multi_class_hinge")
    with pytest.raises(OptionError, match="mixup and cutmix need a loss for soft targets"):
        trained(model, augment=["mixup"])
    with pytest.raises(OptionError, match="did you mean 'flip'"):
        trained(net(), augment=["flipp"])
    flat = Sequential([L.Dense(3, activation="softmax")], (4,))
    with pytest.raises(OptionError, match="augmentations take one input of images"):
        flat.fit(np.zeros((5, 4)), np.zeros(5, int), augment=["flip"], verbose=0)
    grey = Sequential([L.Flatten(), L.Dense(3, activation="softmax")], (8, 8, 1))
    with pytest.raises(ShapeError, match="needs RGB images, not 1 channels"):
        grey.fit(photographs()[0][..., :1], photographs()[1], augment=["saturation"], verbose=0)


def test_a_fill_of_ones_own():
    constant = Augment([{"name": "shift", "pixels": 3}], fill="constant", fill_value=255)
    model, other = trained(net(), augment=constant), trained(net(), augment=constant.augmentations)
    assert model.history.history["loss"] != other.history.history["loss"]


@pytest.mark.parametrize("augment", ["brightness", "contrast"])
def test_white_is_what_training_saw(augment):
    """Pixels by value up to 255 are changed as bytes are."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 6, 6, 3)).astype(np.uint8)
    weights = []
    by_value = (pixels.astype(np.float32), L.Rescaling(1 / 255))
    for images, first in ((pixels, L.Activation("linear")), by_value):
        layers = [first, L.Conv2D(4, 3), L.Flatten(), L.Dense(2, activation="softmax")]
        model = Sequential(layers, seed=1)
        model.compile("sgd")
        model.fit(images, np.arange(40) % 2, augment=[augment], epochs=2, verbose=0)
        weights.append(model.get_weights()["conv2d/kernel"])
    np.testing.assert_allclose(*weights, atol=1e-4)
