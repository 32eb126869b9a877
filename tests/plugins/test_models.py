"""The zoo: published sizes, and a training step of every net on small images."""

import math

import numpy as np
import pytest

from fastcnn.errors import OptionError, ShapeError
from fastcnn.models import build, outline
from fastcnn.plugins.registry import models
from fastcnn.training.summary import summary_rows

RNG = np.random.default_rng(0)

# Weights that are learned (moving averages are not), and multiply-adds of an image.
SIZES = {
    "airbench": (1_971_640, 118_147_360),
    "alexnet": (60_965_224, 724_406_816),
    "alexnet_single": (61_100_840, 714_188_480),
    "inception_v1": (6_998_552, 1_582_671_872),
    "mobilenet_v1": (4_231_976, 568_740_352),
    "nin": (966_986, 222_486_528),
    "resnet18": (11_689_512, 1_814_073_344),
    "resnet34": (21_797_672, 3_663_761_408),
    "vgg16": (138_357_544, 15_470_264_320),
    "vgg_small": (2_197_706, 153_815_552),
}
# The smallest images that the pools leave something of, for nets that are made for large ones.
SMALL = {
    "alexnet": (67, 67, 3),
    "alexnet_single": (63, 63, 3),
    "inception_v1": (32, 32, 3),
    "mobilenet_v1": (32, 32, 3),
    "resnet18": (32, 32, 3),
    "resnet34": (32, 32, 3),
    "vgg16": (32, 32, 3),
}


def learned(model):
    nodes = model.unfold().nodes
    parameters = [p for node in nodes for p in node.parameters.values() if p.trainable]
    return sum(math.prod(p.shape) for p in parameters)


@pytest.mark.parametrize("name", SIZES)
def test_published_sizes(name):
    model = outline(name)
    adds = sum(row.multiply_adds for row in summary_rows(model))
    assert (learned(model), adds) == SIZES[name]


@pytest.mark.parametrize(
    ("name", "size"), [("alexnet", "6x6x256"), ("vgg16", "7x7x512"), ("inception_v1", "7x7x1024")]
)
def test_last_images_before_the_dense_layers(name, size):
    shapes = [row.shapes[0] for row in summary_rows(outline(name))]
    assert [shape for shape in shapes if "x" in shape][-1] == size


def test_an_outline_has_no_arrays():
    model = outline("vgg16")
    assert all(layer.variables is None for layer in model.layers)
    assert "138,357,544" in model.summary()


def test_width_of_mobilenet():
    """Table 6 of the paper: 1.3 M parameters at 0.5."""
    assert learned(outline({"name": "mobilenet_v1", "alpha": 0.5})) == 1_331_592
    with pytest.raises(OptionError, match="alpha"):
        outline({"name": "mobilenet_v1", "alpha": 0})


def step(model, threads, x, y):
    """Weights and the loss after one step."""
    model.threads = threads
    model.compile({"name": "sgd", "learning_rate": 0.01}, LOSS.get(model.name, CLASSES))
    history = model.fit(x, y, batch_size=len(x), verbose=0)
    return model.get_weights(), history.history["loss"][0]


CLASSES, LOSS = "sparse_categorical_crossentropy", {"autoencoder": "mean_squared_error"}


@pytest.mark.parametrize("name", sorted(models.names()))
def test_a_training_step(name):
    """It changes every layer that learns, the same way with one and with two threads."""
    model = build(name, SMALL.get(name), 3)
    x = RNG.random((5, *model.input_shape), np.float32)
    y = x if name == "autoencoder" else np.array([0, 1, 2, 0, 1])
    before = model.get_weights()
    after, loss = step(model, 1, x, y)
    model.set_weights(before)
    again, loss_again = step(model, 2, x, y)
    assert np.isfinite(loss) and loss == loss_again
    for key, value in after.items():
        np.testing.assert_array_equal(value, again[key], err_msg=key)
        if key.endswith("kernel"):
            assert not np.array_equal(value, before[key]), key


def test_the_autoencoder_learns_its_input():
    images = np.zeros((64, 8, 8, 1), np.float32)
    for image in images:
        row, column = RNG.integers(0, 6, 2)
        image[row : row + 3, column : column + 3] = 1
    model = build("autoencoder", (8, 8, 1))
    model.compile({"name": "adam", "learning_rate": 0.01}, "mean_squared_error")
    losses = model.fit(images, images, epochs=60, verbose=0).history["loss"]
    assert model.predict(images).shape == images.shape
    assert losses[-1] < 0.02 < images.var()


def test_images_that_do_not_fit_the_autoencoder():
    with pytest.raises(ShapeError, match="divide by 4"):
        build("autoencoder", (10, 8, 1))
