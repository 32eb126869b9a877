"""Views at test time: means of outputs, and figures of these means."""

import numpy as np
import pytest

from fastcnn import Input, Model, Sequential
from fastcnn import layers as L
from fastcnn.augmentations import Views
from fastcnn.errors import OptionError, ShapeError
from fastcnn.kernels.backends import BACKENDS

IMAGES = np.random.default_rng(0).integers(0, 256, (37, 9, 7, 3), dtype=np.uint8)
LABELS = np.arange(37) % 4
PADDING = {"reflect": "symmetric", "nearest": "edge", "wrap": "wrap"}


def net(**options):
    stack = [L.Conv2D(5, 3, activation="relu"), L.Flatten(), L.Dense(4, activation="softmax")]
    return Sequential(stack, (9, 7, 3), **options)


def moved(images, by, fill):
    """Down and right by so many pixels."""
    border = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)), PADDING[fill])
    return border[:, 2 - by : 11 - by, 2 - by : 9 - by]


def mean_of_views(model, flip, shift, fill):
    total = 0
    for side in (IMAGES, IMAGES[:, :, ::-1])[: 1 + flip]:
        for by, weight in ((0, 0.5), (-shift, 0.25), (shift, 0.25)):
            total = total + weight * model.predict(moved(side, by, fill)) / (1 + flip)
    return total


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize(("shift", "fill"), [(0, "wrap"), (1, "reflect"), (2, "nearest")])
def test_outputs_are_the_mean_over_views(flip, shift, fill, backend):
    model = net(backend=backend)
    found = model.predict(IMAGES, views={"flip": flip, "shift": shift, "fill": fill})
    np.testing.assert_allclose(found, mean_of_views(model, flip, shift, fill), atol=1e-6)


def test_one_view_is_the_plain_prediction_and_views_can_be_used_again():
    model, views = net(), Views(flip=True, shift=1)
    plain, first = model.predict(IMAGES), model.predict(IMAGES, views=views)
    assert np.array_equal(plain, model.predict(IMAGES, views={}))
    assert np.array_equal(first, model.predict(IMAGES, views=views))
    assert np.array_equal(plain, model.predict(IMAGES))
    assert not np.array_equal(plain, first)


@pytest.mark.parametrize(
    "loss",
    [
        {"name": "sparse_categorical_crossentropy", "label_smoothing": 0.2},
        {"name": "sparse_categorical_crossentropy", "from_logits": True},
    ],
    ids=str,
)
def test_figures_are_those_of_the_mean_outputs(loss):
    model = net()
    model.layers[0].kernel_regularizer = "l2"
    model.compile("adam", loss, metrics=["f1"])
    plain, one = model.evaluate(IMAGES, LABELS), model.evaluate(IMAGES, LABELS, views={})
    assert plain == pytest.approx(one, rel=1e-5)
    outputs = model.predict(IMAGES, views={"flip": True})
    figures = model.evaluate(IMAGES, LABELS, views={"flip": True})
    assert figures["accuracy"] == np.mean(outputs.argmax(axis=1) == LABELS)
    assert figures["loss"] != plain["loss"] and set(figures) == set(plain)


def test_several_outputs_and_weights_of_samples():
    x = Input((9, 7, 3))
    flat = L.Flatten()(x)
    ends = [L.Dense(4, activation="softmax", name="kind")(flat), L.Dense(1, name="size")(flat)]
    model = Model(x, ends)
    losses = {"kind": "sparse_categorical_crossentropy", "size": "mean_squared_error"}
    model.compile("adam", losses, loss_weights={"kind": 1.0, "size": 0.3})
    targets = {"kind": LABELS, "size": LABELS.astype(np.float32)}
    weights = {"kind": np.linspace(0, 1, 37), "size": np.ones(37)}
    plain = model.evaluate(IMAGES, targets, sample_weight=weights)
    one = model.evaluate(IMAGES, targets, sample_weight=weights, views={})
    assert plain == pytest.approx(one, rel=1e-5)


def test_mistakes():
    with pytest.raises(OptionError, match="Views: flip must be True or False, not 1"):
        Views(flip=1)
    with pytest.raises(OptionError, match="shift of views must be an integer from 0, not -1"):
        Views(shift=-1)
    with pytest.raises(OptionError, match="unknown fill 'black'"):
        Views(fill="black")
    with pytest.raises(OptionError, match="unknown option of Views"):
        net().predict(IMAGES, views={"flips": True})
    with pytest.raises(OptionError, match="views are a table like"):
        net().predict(IMAGES, views="flip")
    rows = Sequential([L.Dense(2)], (5,))
    with pytest.raises((OptionError, ShapeError), match="one input of images"):
        rows.predict(np.zeros((3, 5), np.float32), views={"flip": True})
