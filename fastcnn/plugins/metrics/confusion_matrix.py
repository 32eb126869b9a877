"""Confusion matrix."""

import numpy as np

from fastcnn.engine.metric import Metric, as_classes
from fastcnn.errors import DataError
from fastcnn.plugins.registry import metrics


@metrics.register("confusion_matrix")
class ConfusionMatrix(Metric):
    """Row i, column j: how many samples of class i were taken for class j; a list of rows.

    Given by `evaluate`; a history holds only single figures. threshold: of one output.
    """

    scalar = False

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = threshold

    def __call__(self, y_true: np.ndarray, y_pred: np.ndarray) -> list[list[int]]:
        from sklearn.metrics import confusion_matrix

        true, predicted = as_classes(y_true, y_pred, self.threshold)
        if true.ndim > 1:
            raise DataError("confusion_matrix needs one class for each sample, not several")
        classes = np.arange(max(2, y_pred.shape[1]))
        return confusion_matrix(true, predicted, labels=classes).tolist()
