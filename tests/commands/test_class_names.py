"""Names of classes in everything that is printed, whatever way the model was made and saved."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from fastcnn import CNNClassifier, Model, Sequential
from fastcnn.layers import Dense, Flatten
from fastcnn.saving import load_model
from tests.cli_runs import folder, only_line, run, train  # noqa: F401 - a fixture
from tests.data.files import write_picture

NAMES = ["ant", "bee", "cat"]
RANDOM = np.random.default_rng(0)
Y = np.arange(60) % 3
X = (RANDOM.integers(0, 60, (60, 8, 8, 1)) + 90 * Y[:, None, None, None]).astype(np.uint8)


def fitted(names=None):
    model = Sequential([Flatten(), Dense(3, activation="softmax")], seed=1)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, epochs=1, verbose=0)
    if names is not None:
        model.classes = names
    return model


def printed(model):
    """The classes that `fastcnn predict` prints for a picture, best first."""
    model.save("model.safetensors")
    write_picture(Path("p.png"), X[0, ..., 0])
    rows = json.loads(run("predict", "model.safetensors", "p.png", "--json").stdout)
    return [row["class"] for row in rows[0]["classes"]]


@pytest.mark.parametrize(
    "names", [NAMES, tuple(NAMES), np.array(NAMES)], ids=["list", "tuple", "array"]
)
def test_names_given_in_python(names):
    model = fitted(names)
    assert sorted(printed(model)) == NAMES
    assert sorted(printed(pickle.loads(pickle.dumps(model)))) == NAMES
    assert sorted(printed(load_model("model.safetensors"))) == NAMES


def test_without_names_numbers_are_printed():
    assert sorted(printed(fitted())) == ["0", "1", "2"]


@pytest.mark.parametrize("y", [np.array(NAMES)[Y], Y + 7, np.array(NAMES, object)[Y]])
def test_classifiers(y):
    """Its `model_`, as it is, and from a pickle of the classifier."""
    classifier = CNNClassifier(epochs=1, random_state=0).fit(X, y)
    expected = sorted(map(str, classifier.classes_))
    assert sorted(printed(classifier.model_)) == expected
    assert sorted(printed(pickle.loads(pickle.dumps(classifier)).model_)) == expected


def test_a_new_head_has_no_stale_names():
    for units in (3, 4):
        model = fitted(NAMES)
        head = Dense(units, activation="softmax")
        changed = Model(model.input, head(model.layers[-2].output))
        assert set(printed(changed)) <= set("0123")
        changed = Sequential([*fitted(NAMES).layers[:-1], Dense(units)])
        changed.predict(X)
        assert set(printed(changed)) <= set("0123")


def test_names_of_other_outputs_are_not_saved():
    model = fitted(NAMES[:2])
    assert sorted(printed(model)) == ["0", "1", "2"]
    assert load_model("model.safetensors").classes == ()


DATA = {
    "the same names": (NAMES, np.array(NAMES)[Y], (0, 1, 2)),
    "some of them": (NAMES, np.array(NAMES)[Y % 2 + 1], (1, 2)),
    "numbers of outputs": (NAMES, Y, (0, 1, 2)),
    "some numbers": (NAMES, Y % 2 * 2, (0, 2)),
    "numbers as names": (["1", "2", "3"], Y + 1, (0, 1, 2)),
    "some numbers as names": (["1", "2", "10"], Y % 2 * 9 + 1, (0, 2)),
    "no names, numbers": (None, Y % 2 + 1, (1, 2)),
    "no names, text": (None, np.array(NAMES)[Y], (0, 1, 2)),
}


@pytest.mark.parametrize("names, labels, outputs", DATA.values(), ids=DATA)
def test_data_with_other_labels(names, labels, outputs):
    """The labels of the data as the model's outputs: all classes of the model are printed."""
    model = fitted(names)
    model.save("model.safetensors")
    np.savez("d.npz", x=X, y=labels)
    document = json.loads(
        run("evaluate", "model.safetensors", "--data", "d.npz", "--part", "all", "--json").stdout
    )
    assert list(document["classes"]) == list(names or "012")
    rows = list(document["classes"].values())
    assert tuple(k for k, row in enumerate(rows) if row["images"]) == outputs
    numbers = np.searchsorted(np.unique(labels), labels)
    expected = model.evaluate(X, np.array(outputs)[numbers])
    assert document["loss"] == pytest.approx(expected["loss"], rel=1e-5)


OTHER = {
    "other names": (NAMES, np.array(["ant", "bee", "dog"])[Y]),
    "too large numbers": (NAMES, Y + 1),
    "numbers from 0 for names from 1": (["1", "2", "3"], Y),
    "more classes": (None, np.arange(60) % 4),
}


@pytest.mark.parametrize("names, labels", OTHER.values(), ids=OTHER)
def test_data_with_other_classes(names, labels):
    fitted(names).save("model.safetensors")
    np.savez("d.npz", x=X, y=labels)
    line = only_line(run("evaluate", "model.safetensors", "--data", "d.npz", code=1))
    assert "other classes than the model" in line
