"""Precision."""

from typing import Any

import numpy as np

from fastcnn.engine.metric import Metric, as_classes
from fastcnn.errors import unknown
from fastcnn.plugins.registry import metrics

AVERAGES = ("macro", "micro", "weighted")


@metrics.register("precision")
class Precision(Metric):
    """Right ones among those taken for a class: tp / (tp + fp), 0 where nothing was.

    average: "macro", the mean over classes; "weighted", that by their number of samples; "micro",
    all taken together. One output: of the class 1, whatever the average; threshold: it is taken for
    1 above this. Targets with several classes a sample (N, K): every output says yes or no.
    """

    score = "precision_score"  # of scikit-learn

    def __init__(self, average: str = "macro", threshold: float = 0.5) -> None:
        if average not in AVERAGES:
            raise unknown("average", average, AVERAGES)
        self.average = average
        self.threshold = threshold

    def __call__(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        import sklearn.metrics

        score: Any = getattr(sklearn.metrics, self.score)
        average = "binary" if y_pred.shape[1] == 1 else self.average
        classes = as_classes(y_true, y_pred, self.threshold)
        return float(score(*classes, average=average, zero_division=0))
