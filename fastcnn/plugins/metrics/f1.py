"""F1."""

from fastcnn.plugins.metrics.precision import Precision
from fastcnn.plugins.registry import metrics


@metrics.register("f1")
class F1(Precision):
    """2 precision recall / (precision + recall) = 2 tp / (2 tp + fp + fn), 0 where tp is.

    Options as in precision.
    """

    score = "f1_score"
