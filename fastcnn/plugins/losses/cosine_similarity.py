"""Cosine similarity."""

from fastcnn.engine.expected import Expected
from fastcnn.engine.loss import Loss
from fastcnn.plugins.registry import losses


@losses.register("cosine_similarity")
class CosineSimilarity(Loss):
    """loss = -sum over k of y[k] t[k] / (|y| |t|), from -1 (the same direction) to 1

    Targets are (N, K); norms count as at least 1e-7.
    """

    expected = Expected(units=2)
