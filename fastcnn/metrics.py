"""Public face: every built-in metric, and the base of own ones."""

from fastcnn.engine.metric import Metric
from fastcnn.plugins.metrics.accuracy import Accuracy
from fastcnn.plugins.metrics.auc import AUC
from fastcnn.plugins.metrics.binary_accuracy import BinaryAccuracy
from fastcnn.plugins.metrics.confusion_matrix import ConfusionMatrix
from fastcnn.plugins.metrics.f1 import F1
from fastcnn.plugins.metrics.mean_absolute_error import MeanAbsoluteError
from fastcnn.plugins.metrics.mean_squared_error import MeanSquaredError
from fastcnn.plugins.metrics.precision import Precision
from fastcnn.plugins.metrics.r2 import R2
from fastcnn.plugins.metrics.recall import Recall
from fastcnn.plugins.metrics.root_mean_squared_error import RootMeanSquaredError
from fastcnn.plugins.metrics.top_k import TopK

__all__ = [
    "AUC",
    "F1",
    "R2",
    "Accuracy",
    "BinaryAccuracy",
    "ConfusionMatrix",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Metric",
    "Precision",
    "Recall",
    "RootMeanSquaredError",
    "TopK",
]
