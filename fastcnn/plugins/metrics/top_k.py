"""Accuracy among the best k."""

import numpy as np

from fastcnn.engine.metric import Metric
from fastcnn.engine.options import positive
from fastcnn.errors import DataError
from fastcnn.plugins.registry import metrics


@metrics.register("top_k")
class TopK(Metric):
    """The part of samples for which fewer than k classes have a larger output than the right one.

    Targets: class numbers or one-hot. With outputs that are no numbers a sample counts as wrong.
    """

    def __init__(self, k: int = 5) -> None:
        self.k = positive("k", k)

    def __call__(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        if y_pred.shape[1] == 1:
            raise DataError("top_k needs an output for each class, not a single one")
        labels = y_true if y_true.ndim == 1 else y_true.argmax(axis=1)
        own = y_pred[np.arange(len(labels)), labels]
        larger = (~(y_pred <= own[:, None])).sum(axis=1)
        return float((larger < self.k).mean())
