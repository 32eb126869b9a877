"""Every registered metric against figures that were counted or written out by hand."""

import numpy as np
import pytest

from fastcnn.engine.metric import make_metrics
from fastcnn.errors import DataError, OptionError
from fastcnn.plugins.registry import config_of, make, metrics

LABELS = np.array([0, 0, 0, 1, 1, 2])
SCORES = np.array(  # classes 0 0 1 1 2 2 by the largest output: rows of a confusion matrix below
    [[5, 1, 0], [4, 2, 1], [2, 3, 0], [0, 9, 1], [1, 2, 3], [0, 1, 2]], float
)
ONE_HOT = np.eye(3)[LABELS]
YES, LIKELY = np.array([1, 1, 0, 0]), np.array([[0.9], [0.4], [0.6], [0.1]])
MARKS = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0]])
CHANCES = np.array([[0.9, 0.2, 0.1], [0.8, 0.7, 0.3], [0.1, 0.2, 0.6]])
T, Y = np.array([[1.0, 2], [3, 6], [5, 4]]), np.array([[2.0, 2], [3, 4], [4, 4]])
PRECISION, RECALL = np.array([1, 1 / 2, 1 / 2]), np.array([2 / 3, 1 / 2, 1])
F1 = 2 * PRECISION * RECALL / (PRECISION + RECALL)
SHARES = np.array([3, 2, 1]) / 6
CASES = [
    ("accuracy", LABELS, SCORES, 4 / 6),
    ("accuracy", ONE_HOT, SCORES, 4 / 6),
    ("accuracy", YES, LIKELY, 1 / 2),
    ({"name": "accuracy", "threshold": 0.0}, 2 * YES - 1, LIKELY, 1 / 2),
    ("binary_accuracy", MARKS, CHANCES, 6 / 9),
    ("binary_accuracy", YES, LIKELY, 1 / 2),
    ({"name": "binary_accuracy", "threshold": 0.65}, YES, LIKELY, 3 / 4),
    ({"name": "top_k", "k": 1}, LABELS, SCORES, 4 / 6),
    ({"name": "top_k", "k": 2}, ONE_HOT, SCORES, 1),
    ("top_k", LABELS, SCORES, 1),
    ("precision", LABELS, SCORES, PRECISION.mean()),
    ({"name": "precision", "average": "micro"}, ONE_HOT, SCORES, 4 / 6),
    ({"name": "precision", "average": "weighted"}, LABELS, SCORES, PRECISION @ SHARES),
    ("precision", YES, LIKELY, 1 / 2),
    ({"name": "precision", "threshold": 0.95}, YES, LIKELY, 0),
    ({"name": "precision", "average": "micro"}, MARKS, CHANCES, 2 / 4),
    ("recall", LABELS, SCORES, RECALL.mean()),
    ({"name": "recall", "average": "weighted"}, LABELS, SCORES, RECALL @ SHARES),
    ({"name": "recall", "average": "micro"}, MARKS, CHANCES, 2 / 3),
    ("f1", LABELS, SCORES, F1.mean()),
    ({"name": "f1", "average": "micro"}, LABELS, SCORES, 4 / 6),
    ({"name": "f1", "average": "weighted"}, LABELS, SCORES, F1 @ SHARES),
    ("f1", YES, LIKELY, 1 / 2),
    ("auc", YES, LIKELY, 3 / 4),
    ("auc", LABELS, SCORES, np.mean([9 / 9, 6.5 / 8, 4 / 5])),
    ("auc", MARKS[:, :2], CHANCES[:, :2], np.mean([1, 1.5 / 2])),
    ("confusion_matrix", LABELS, SCORES, [[2, 1, 0], [0, 1, 1], [0, 0, 1]]),
    ("confusion_matrix", YES, LIKELY, [[1, 1], [1, 1]]),
    ("mean_absolute_error", T, Y, 4 / 6),
    ("mean_absolute_error", T[:, 0], Y[:, :1], 2 / 3),
    ("mean_squared_error", T, Y, 6 / 6),
    ("root_mean_squared_error", 2 * T, 2 * Y, 2),
    ("r2", T, Y, np.mean([1 - 2 / 8, 1 - 4 / 8])),
]


def name_of(config):
    return config if isinstance(config, str) else config["name"]


def test_every_metric_has_a_case():
    assert sorted({name_of(case[0]) for case in CASES}) == metrics.names()


@pytest.mark.parametrize(("config", "y_true", "y_pred", "expected"), CASES, ids=str)
def test_value(config, y_true, y_pred, expected):
    metric = make(metrics, config)
    again = make(metrics, config_of(metric))
    for dtype in (np.float32, np.float64):
        value = again(y_true, y_pred.astype(dtype))
        assert np.asarray(value) == pytest.approx(np.asarray(expected), rel=1e-6)
    assert type(value) is (float if metric.scalar else list)


def test_auc_leaves_out_classes_that_nobody_has():
    absent = np.concatenate([SCORES, np.ones((6, 1))], axis=1)
    expected = make(metrics, "auc")(LABELS, SCORES)
    assert make(metrics, "auc")(LABELS, absent) == pytest.approx(expected)


@pytest.mark.parametrize(("alias", "name"), metrics.aliases.items())
def test_aliases_name_metrics(alias, name):
    assert metrics.get(alias) is metrics.get(name)
    assert alias not in metrics.names() and name in metrics.names()


def test_metrics_are_named_as_they_were_given():
    def profit(y_true, y_pred):
        return 1.0

    made = make_metrics(["rmse", {"name": "f1", "average": "micro"}, make(metrics, "auc"), profit])
    assert list(made) == ["rmse", "f1", "auc", "profit"]
    assert list(make_metrics("f1")) == ["f1"] and list(make_metrics(profit)) == ["profit"]
    assert make_metrics([]) == {}


BAD = [
    (lambda: make(metrics, "top_k")(YES, LIKELY), DataError, "each class"),
    (lambda: make(metrics, {"name": "top_k", "k": 0}), OptionError, "k must be"),
    (lambda: make(metrics, {"name": "f1", "average": "mean"}), OptionError, "macro"),
    (lambda: make(metrics, "auc")(YES * 0, LIKELY), DataError, "more than one class"),
    (lambda: make(metrics, "confusion_matrix")(MARKS, CHANCES), DataError, "several"),
    (lambda: make(metrics, "mae")(LABELS, SCORES), DataError, r"\(6,\) with \(6, 3\)"),
    (lambda: make(metrics, "r2")(T[:1], Y[:1]), DataError, "two samples"),
    (lambda: make_metrics(["f1", "f1"]), OptionError, "two metrics"),
    (lambda: make_metrics([3]), OptionError, "metric"),
    (lambda: make_metrics(["recal"]), OptionError, "did you mean 'recall'"),
]


@pytest.mark.parametrize(("action", "error", "message"), BAD)
def test_mistakes_are_named(action, error, message):
    with pytest.raises(error, match=message):
        action()
