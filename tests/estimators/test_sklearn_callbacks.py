"""scikit-learn's callbacks, since 1.9."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from fastcnn import CNNClassifier
from tests.estimators.cases import NET, bars

IMAGES, LABELS = bars(48)


@pytest.fixture
def callback():
    return pytest.importorskip("sklearn.callback", reason="scikit-learn is older than 1.9")


class Log:
    """Notes what it is told; stops after an epoch if asked to."""

    def __init__(self, stop_after=None):
        self.events, self.scores, self.stop_after = [], [], stop_after

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.events.append(f"begin {context.task_name} {context.task_id}")

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        self.events.append(f"end {context.task_name} {context.task_id}")
        if fitted_estimator is not None:
            self.scores.append(fitted_estimator.predict_proba(X))
        return context.task_id == self.stop_after and context.task_name == "epoch"


def test_every_epoch_is_a_task(callback):
    log = Log()
    model = CNNClassifier(NET, epochs=2, random_state=0).set_callbacks(log).fit(IMAGES, LABELS)
    assert log.events == [
        "setup",
        "begin fit 0",
        "begin epoch 0",
        "end epoch 0",
        "begin epoch 1",
        "end epoch 1",
        "end fit 0",
        "teardown",
    ]
    first = CNNClassifier(NET, epochs=1, random_state=0).fit(IMAGES, LABELS)
    np.testing.assert_array_equal(log.scores[0], first.predict_proba(IMAGES))
    np.testing.assert_array_equal(log.scores[-1], model.predict_proba(IMAGES))


def test_a_callback_can_stop(callback):
    model = CNNClassifier(NET, epochs=9).set_callbacks(Log(stop_after=1)).fit(IMAGES, LABELS)
    assert model.n_iter_ == 2


def test_teardown_comes_after_an_error(callback):
    log = Log()
    with pytest.raises(ValueError, match="unknown optimizer"):
        CNNClassifier(NET, optimizer="none").set_callbacks(log).fit(IMAGES, LABELS)
    model = CNNClassifier(NET, optimizer={"name": "sgd", "learning_rate": 1e30}, epochs=9)
    with pytest.raises(ArithmeticError, match="smaller learning rate"):
        model.set_callbacks(log).fit(IMAGES, LABELS)
    assert log.events[-1] == "teardown"


def test_scoring_monitor(callback):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = CNNClassifier(NET, epochs=3, random_state=0).set_callbacks(monitor).fit(IMAGES, LABELS)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == 3 and rows[-1]["accuracy"] == model.score(IMAGES, LABELS)


class Inherited(Log):
    """Goes down from a meta-estimator."""

    max_propagation_depth = None


def test_callbacks_of_a_grid_search(callback):
    log = Inherited()
    search = GridSearchCV(CNNClassifier(NET, random_state=0), {"epochs": [2]}, cv=2)
    search.set_callbacks(log).fit(IMAGES, LABELS)
    assert log.events.count("begin epoch 1") == 3  # two folds, and the best one again
    assert (log.events[0], log.events[-1]) == ("setup", "teardown")


def test_before_there_were_callbacks():
    """Without sklearn.callback the estimators are as they were."""
    code = """
import sys
import numpy as np
import sklearn.ensemble, sklearn.pipeline
sys.modules["sklearn.callback"] = None
from fastcnn import CNNClassifier
model = CNNClassifier("dense 3", epochs=2).fit(np.eye(4), [0, 1, 0, 1])
assert not hasattr(model, "set_callbacks") and model.n_iter_ == 2
"""
    subprocess.run([sys.executable, "-c", code], check=True)
