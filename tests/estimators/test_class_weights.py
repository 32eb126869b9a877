"""class_weight of estimators: labels of any type and order."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcnn import CNNClassifier
from fastcnn.errors import OptionError
from fastcnn.estimators.class_weights import class_weights

NUMBERS = np.array([0, 3, 0, 10, 10, 0, 3])
WEIGHTS = {0: 2.0, 3: 3.0, 10: 0.5}
LABELS = {
    "integers": int,
    "small integers": np.int8,
    "floats": float,
    "digits": str,
    "names": lambda number: "cat" * (number + 1),
}


@pytest.mark.parametrize("label", LABELS.values(), ids=LABELS)
def test_any_labels(label):
    y = np.array([label(n) for n in NUMBERS])
    given = {label(number): weight for number, weight in WEIGHTS.items()}
    expected = [WEIGHTS[n] for n in NUMBERS]
    for table in (given, dict(reversed(given.items())), dict(zip(y, expected, strict=True))):
        assert class_weights(table, y, [np.unique(y)]).tolist() == expected
    objects = y.astype(object)
    assert class_weights(given, objects, [np.unique(objects)]).tolist() == expected


def test_keys_of_a_file_are_texts():
    table = json.loads(json.dumps(WEIGHTS))
    weights = class_weights(table, NUMBERS, [np.unique(NUMBERS)])
    assert weights.tolist() == [WEIGHTS[n] for n in NUMBERS]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30))
def test_balanced_is_scikit_learns_formula(numbers):
    y = np.array(numbers)
    found = class_weights("balanced", y, [np.unique(y)])
    by_class = {c: found[y == c] for c in np.unique(y)}
    assert all(np.allclose(w.sum(), len(y) / len(by_class)) for w in by_class.values())
    assert np.array_equal(found, class_weights("balanced", y.astype(str), [np.unique(y)]))


def test_classes_without_a_weight_count_once():
    assert class_weights({3: 2}, NUMBERS, [np.unique(NUMBERS)]).tolist() == [1, 2, 1, 1, 1, 1, 2]


def test_a_part_may_lack_a_class():
    """As a fold of cross-validation, or a call of partial_fit."""
    assert class_weights(WEIGHTS, np.array([0, 3]), [np.array([0, 3])]).tolist() == [2, 3]
    assert class_weights({10: 2.0}, np.array([0, 3]), [np.array([0, 3, 10])]).tolist() == [1, 1]


def test_several_outputs():
    y = np.array([["a", "x"], ["b", "x"], ["a", "y"]])
    classes = [np.array(["a", "b"]), np.array(["x", "y"])]
    assert class_weights([{"a": 2}, {"y": 3}], y, classes).tolist() == [2, 1, 6]
    assert np.allclose(class_weights("balanced", y, classes), [0.5625, 1.125, 1.125])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"0": 1.0, "cat": 2.0}, "class_weight has no class 'cat': y has \\['0', '1'\\]"),
        ({"0": -1.0}, "the weight of class '0' must be 0 or more, not -1.0"),
        ({"0": "x"}, "the weight of class '0' must be 0 or more, not 'x'"),
        ({"0": float("nan")}, "must be 0 or more, not nan"),
        ("heavy", 'must be "balanced" or a table'),
        ([1, 2], 'must be "balanced" or a table'),
        (2.5, 'must be "balanced" or a table'),
    ],
)
def test_wrong_weights(wrong, words):
    x, y = np.zeros((6, 3)), np.array(["0", "1"] * 3)
    with pytest.raises(OptionError, match=words):
        CNNClassifier("dense 2", epochs=1, class_weight=wrong, random_state=0).fit(x, y)


def test_weights_reach_training():
    random = np.random.default_rng(0)
    x, y = random.random((40, 3)), np.array(["0", "1"] * 20)
    weighted = CNNClassifier("dense 4", epochs=2, class_weight={"0": 2, "1": 3}, random_state=0)
    plain = CNNClassifier("dense 4", epochs=2, random_state=0)
    weights = np.where(y == "0", 2.0, 3.0)
    expected = plain.fit(x, y, sample_weight=weights).predict_proba(x)
    assert np.array_equal(weighted.fit(x, y).predict_proba(x), expected)
    first = CNNClassifier("dense 4", class_weight={"0": 2}, random_state=0)
    first.partial_fit(x[y == "1"], y[y == "1"], classes=["0", "1"])
