"""check_baseline finds what is wrong with a baseline."""

import re
from typing import ClassVar

import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from fastcnn.engine.baseline import CLASSIFIER, Baseline
from fastcnn.plugins.registry import baselines
from fastcnn.testing import check_baseline
from tests.testing.wrong import entered


def rows(images):
    return images.reshape(len(images), -1) / 255.0


class Right(Baseline):
    """Logistic regression on pixels."""

    tuned: ClassVar = {"C": (1.0, 0.1)}

    def __init__(self, C=None):
        self.C = C

    def features(self, threads):
        return [("rows", FunctionTransformer(rows))]

    def classifier(self, seed, threads):
        return [(CLASSIFIER, LogisticRegression(C=self.setting("C"), random_state=seed))]


class LearningFeatures(Right):
    """Features that depend on the training images."""

    def features(self, threads):
        return [*super().features(threads), ("scale", StandardScaler())]


class WrongGrid(Right):
    """Tunes what the classifier does not have."""

    tuned: ClassVar = {"C": (1.0,), "depth": (1, 2)}
    depth = None


class OtherName(Right):
    """Its last step has another name."""

    def classifier(self, seed, threads):
        return [("last", LogisticRegression())]


class LearnsNothing(Right):
    """Says the most frequent class."""

    tuned: ClassVar = {}

    def classifier(self, seed, threads):
        return [(CLASSIFIER, DummyClassifier())]


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (LearningFeatures, "features depend on those that they were fitted to"),
        (WrongGrid, r"does not have: \['classifier__depth'\]"),
        (OtherName, "the last step is called 'last'"),
        (LearnsNothing, "it says 33% of new images right"),
    ],
)
def test_wrong_baselines(cls, message):
    with entered(baselines, cls) as name, pytest.raises(AssertionError) as error:
        check_baseline(name)
    assert re.search(message, str(error.value)), str(error.value)


def test_a_right_baseline_passes():
    with entered(baselines, Right) as name:
        check_baseline({"name": name, "C": 0.5})
