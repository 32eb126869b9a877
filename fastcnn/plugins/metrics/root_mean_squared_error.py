"""Root mean squared error."""

import numpy as np

from fastcnn.engine.metric import RegressionMetric
from fastcnn.plugins.registry import metrics


@metrics.register("root_mean_squared_error")
class RootMeanSquaredError(RegressionMetric):
    """sqrt of the mean of (y - t)^2 over samples and outputs, in the targets' unit"""

    def measure(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        from sklearn.metrics import mean_squared_error

        return mean_squared_error(y_true, y_pred) ** 0.5
