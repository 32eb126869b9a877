import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from fastcnn.data.weights import check_sample_weight, class_weights
from fastcnn.errors import DataError, OptionError

LABELS = np.array([0, 2, 2, 0, 0, 2, 2, 3])


def test_sample_weights_are_checked_numbers():
    weights = check_sample_weight([1, 0, 2.5], 3, "training", "float32")
    assert weights.dtype == np.float32 and weights.tolist() == [1, 0, 2.5]


@pytest.mark.parametrize("form", ["labels", "one-hot"])
def test_balanced_class_weights_are_those_of_scikit_learn(form):
    targets = LABELS if form == "labels" else np.eye(4)[LABELS]
    expected = compute_sample_weight("balanced", LABELS)
    np.testing.assert_allclose(class_weights(targets, 4, "balanced"), expected)


def test_class_weights_by_number():
    np.testing.assert_array_equal(class_weights(LABELS[:3], 4, {2: 5, 0: 0.5}), [0.5, 5, 5])
    yes_or_no = np.array([[1.0], [0], [-1]])
    np.testing.assert_array_equal(class_weights(yes_or_no, 1, {1: 3}), [3, 1, 1])
    np.testing.assert_allclose(class_weights(yes_or_no, 1, "balanced"), [1.5, 0.75, 0.75])


BAD = [
    (lambda: check_sample_weight([1, 2], 3, "t", "float32"), DataError, r"\(3,\)"),
    (lambda: check_sample_weight([[1], [2]], 2, "t", "float32"), DataError, r"\(2,\)"),
    (lambda: check_sample_weight([1, -1], 2, "t", "float32"), DataError, r"\[1\] is -1"),
    (lambda: check_sample_weight([np.nan, 1], 2, "t", "float32"), DataError, r"\[0\] is nan"),
    (lambda: check_sample_weight(["a", "b"], 2, "t", "float32"), DataError, "numbers"),
    (lambda: class_weights(LABELS, 4, {4: 1}), OptionError, "no class 4: expected 0 to 3"),
    (lambda: class_weights(LABELS, 4, {1: -1}), OptionError, "class 1"),
    (lambda: class_weights(LABELS, 4, "even"), OptionError, "balanced"),
]


@pytest.mark.parametrize(("action", "error", "message"), BAD)
def test_mistakes_are_named(action, error, message):
    with pytest.raises(error, match=message):
        action()
