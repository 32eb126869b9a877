"""Accuracy of yes-or-no outputs."""

import numpy as np

from fastcnn.engine.metric import RegressionMetric
from fastcnn.plugins.registry import metrics


@metrics.register("binary_accuracy")
class BinaryAccuracy(RegressionMetric):
    """The part of outputs on the right side of the threshold, over samples and outputs.

    Targets are (N, K): yes above 0.5. For logits and hinge losses give threshold=0.
    """

    def __init__(self, threshold: float = 0.5) -> None:
        self.threshold = threshold

    def measure(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        return float(((y_true > 0.5) == (y_pred > self.threshold)).mean())
