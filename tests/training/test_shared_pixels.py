"""docs/models.md, "Shared weights", sentence by sentence, of a model whose pixels are scaled."""

import copy

import numpy as np
import pytest
from sklearn.base import clone

from fastcnn import CNNClassifier, Input, Model, Sequential, load_model
from fastcnn import layers as L
from fastcnn.features import CNNFeatures
from fastcnn.training.normalisation import normalisation

BYTES = np.random.default_rng(0).integers(0, 200, (60, 8, 8, 3)).astype(np.uint8)
LABELS = np.arange(60) % 3
for label in range(3):
    BYTES[label == LABELS, :, :, label] += 55


def stack():
    return [
        L.Conv2D(4, 3, activation="relu"),
        L.BatchNormalization(),
        L.Flatten(),
        L.Dense(8, activation="relu", name="features"),
        L.Dense(3, activation="softmax"),
    ]


@pytest.fixture
def trained():
    """As recipes and `fastcnn train` do it: each channel has mean 0 and deviation 1."""
    model = Sequential(stack(), (8, 8, 3), seed=1)
    model.preprocessing = normalisation(BYTES)
    model.compile({"name": "adam", "learning_rate": 0.01})
    model.fit(BYTES, LABELS, epochs=40, verbose=0)
    assert model.evaluate(BYTES, LABELS)["accuracy"] > 0.9
    return model


def by_hand(model, pixels):
    """What the first layer should get."""
    scale, offset = model.preprocessing.factors(pixels.dtype)
    return (pixels * scale + offset).astype(np.float32)


def numbers(model):
    """A model of the same weights that knows nothing of pixels."""
    made = Sequential(stack(), (8, 8, 3))
    made.set_weights(model.get_weights())
    return made


def test_the_scaled_pixels_are_what_counts(trained):
    np.testing.assert_allclose(
        trained.predict(BYTES), numbers(trained).predict(by_hand(trained, BYTES)), atol=1e-5
    )


def test_features_of_a_model_whose_layers_others_hold(trained):
    """The sentences about features and about transfer hold in any order."""
    known = Model(trained.input, trained.get_layer("features").output).predict(BYTES)
    head = Sequential([*trained.layers[:-1], L.Dense(5)], (8, 8, 3))
    x = Input((8, 8, 3))
    Model(x, trained(x))
    again = Model(trained.input, trained.get_layer("features").output)
    np.testing.assert_array_equal(again.predict(BYTES), known)
    np.testing.assert_array_equal(Sequential(head.layers[:-1]).predict(BYTES), known)


def test_a_layer_called_twice(trained):
    part = Model(trained.input, trained.layers[0].output)
    left, right = Input((8, 8, 3)), Input((8, 8, 3))
    both = L.Add()([trained.layers[0](left), trained.layers[0](right)])
    model = Model([left, right], both)
    np.testing.assert_allclose(
        model.predict([BYTES, BYTES[::-1]]),
        part.predict(BYTES) + part.predict(BYTES[::-1]),
        atol=1e-5,
    )


def test_features_that_a_trained_model_sees(trained, tmp_path):
    part = Model(trained.input, trained.get_layer("features").output)
    inner = numbers(trained)
    right = Model(inner.input, inner.get_layer("features").output).predict(by_hand(trained, BYTES))
    np.testing.assert_allclose(part.predict(BYTES), right, atol=1e-5)
    part.save(tmp_path / "part.safetensors")
    np.testing.assert_array_equal(
        load_model(tmp_path / "part.safetensors").predict(BYTES), part.predict(BYTES)
    )
    made = CNNFeatures(trained, layer="features").fit(BYTES).transform(BYTES)
    np.testing.assert_array_equal(made, part.predict(BYTES))


def test_what_was_learned_is_kept(trained):
    """Transfer: a new head on trained layers sees the pixels that they were trained on."""
    before = trained.evaluate(BYTES, LABELS)["accuracy"]
    same = Sequential([*trained.layers[:-1], trained.layers[-1]])
    np.testing.assert_array_equal(same.predict(BYTES), trained.predict(BYTES))
    model = Sequential([*trained.layers[:-1], L.Dense(3, activation="softmax")], seed=3)
    for layer in model.layers[:-1]:
        layer.trainable = False
    model.compile({"name": "adam", "learning_rate": 0.05})
    model.fit(BYTES, LABELS, epochs=20, verbose=0)
    assert model.preprocessing is trained.preprocessing
    assert model.evaluate(BYTES, LABELS)["accuracy"] >= before - 0.02


def test_copies_are_in_no_model(trained):
    fresh = Sequential(copy.deepcopy(trained.layers), seed=1)
    fresh.compile({"name": "adam", "learning_rate": 0.01})
    assert fresh.preprocessing is None
    fresh.fit(BYTES, LABELS, verbose=0)
    assert fresh.preprocessing.is_plain and fresh.preprocessing.unit == 1 / 255
    estimator = CNNClassifier(trained.layers[:1], epochs=1, random_state=0)
    assert clone(estimator).fit(BYTES, LABELS).model_.preprocessing.is_plain


def test_a_model_is_a_layer(trained):
    x = Input((8, 8, 3))
    outer = Model(x, L.Dense(2)(trained(x)))
    inner = Model(x, trained(x))
    np.testing.assert_array_equal(inner.predict(BYTES), trained.predict(BYTES))
    weights = outer.get_weights()
    right = trained.predict(BYTES) @ weights["dense/kernel"].T + weights["dense/bias"]
    np.testing.assert_allclose(outer.predict(BYTES), right, atol=1e-5)


def test_two_models_in_turns(trained):
    other = Model(trained.input, trained.output)
    other.compile("sgd")
    for _ in range(2):
        for model in (trained, other):
            model.fit(BYTES, LABELS, verbose=0)
    np.testing.assert_array_equal(other.predict(BYTES), trained.predict(BYTES))
