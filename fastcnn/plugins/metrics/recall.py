"""Recall."""

from fastcnn.plugins.metrics.precision import Precision
from fastcnn.plugins.registry import metrics


@metrics.register("recall")
class Recall(Precision):
    """The part of a class that is found: tp / (tp + fn), 0 where there is nothing to find.

    Options as in precision.
    """

    score = "recall_score"
