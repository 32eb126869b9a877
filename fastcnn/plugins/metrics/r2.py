"""Coefficient of determination."""

import numpy as np

from fastcnn.engine.metric import RegressionMetric
from fastcnn.errors import DataError
from fastcnn.plugins.registry import metrics


@metrics.register("r2")
class R2(RegressionMetric):
    """1 - sum (y - t)^2 / sum (t - mean t)^2, the mean over outputs

    1 is perfect, 0 as good as the mean of the targets, which a worse model falls below.
    """

    def measure(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        from sklearn.metrics import r2_score

        if len(y_true) < 2:
            raise DataError("r2 needs at least two samples")
        return r2_score(y_true, y_pred)
