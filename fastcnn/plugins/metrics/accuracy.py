"""Accuracy."""

import numpy as np

from fastcnn.engine.metric import Metric
from fastcnn.plugins.registry import metrics


@metrics.register("accuracy")
class Accuracy(Metric):
    """The part of samples whose class is right, 0 to 1.

    The class is the place of the largest output (the first of equal ones); of one output, whether
    it is above the threshold. Targets: class numbers, one-hot, or 0 and 1 (-1 and 1) of one output.
    """

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = threshold

    def __call__(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        if y_pred.shape[1] == 1:
            right = (y_true.reshape(-1) > 0.5) == (y_pred[:, 0] > self.threshold)
        else:
            labels = y_true if y_true.ndim == 1 else y_true.argmax(axis=1)
            right = labels == y_pred.argmax(axis=1)
        return float(right.mean())
