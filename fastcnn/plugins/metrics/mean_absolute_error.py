"""Mean absolute error."""

import numpy as np

from fastcnn.engine.metric import RegressionMetric
from fastcnn.plugins.registry import metrics


@metrics.register("mean_absolute_error")
class MeanAbsoluteError(RegressionMetric):
    """mean of |y - t| over samples and outputs, in the targets' unit"""

    def measure(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        from sklearn.metrics import mean_absolute_error

        return mean_absolute_error(y_true, y_pred)
