"""CNNRegressor."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_array

from fastcnn.estimators.base import CNNEstimator
from fastcnn.estimators.targets import Numbers


class CNNRegressor(RegressorMixin, CNNEstimator):
    """A convolutional net that predicts numbers (n,) or (n, outputs) from images, or from rows.

    Parameters and attributes are those of CNNClassifier but for class_weight and classes_. The
    loss is the mean squared error unless another is named. Scale targets to about 1 (see
    sklearn.compose.TransformedTargetRegressor): the usual learning rates are made for that.
    """

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> "CNNRegressor":
        """One epoch on these samples; the first call makes the model."""
        self._partial_fit(X, y, sample_weight, Numbers)
        return self

    def _check_y(self, y: Any) -> np.ndarray:
        y = check_array(y, ensure_2d=False, dtype="numeric", input_name="y")
        return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y

    def _targets_of(self, y: np.ndarray) -> Numbers:
        return Numbers(y)
