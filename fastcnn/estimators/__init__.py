"""Estimators for scikit-learn: thin over the same engine and plugins."""

from fastcnn.estimators.classifier import CNNClassifier
from fastcnn.estimators.regressor import CNNRegressor

__all__ = ["CNNClassifier", "CNNRegressor"]
