"""Losses that need all outputs of a sample at once. Arguments as in loss.py."""

import numpy as np

from fastcnn.kernels.reference.loss import CLIP, normalised, one_hot, smooth, softmax, store

__all__ = [
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "cosine_similarity",
    "dice",
    "multi_class_hinge",
]

SMALLEST_NORM = 1e-7


def categorical_hinge(predictions, targets, order, weight, loss, dpredictions):
    """max(0, 1 + max_k (1 - t_k) p_k - sum_k t_k p_k)"""
    others = (1 - targets) * predictions
    value = 1 + others.max(axis=1) - (targets * predictions).sum(axis=1)
    rival = one_hot(others.argmax(axis=1), predictions.shape[1], predictions.dtype)
    slope = np.where(value[:, None] > 0, rival * (1 - targets) - targets, 0)
    store(order, weight, np.maximum(0, value), slope, loss, dpredictions)


def multi_class_hinge(predictions, labels, weight, loss, dpredictions, *, margin):
    """sum over k != label of max(0, p_k - p_label + margin)"""
    own = one_hot(labels, predictions.shape[1], predictions.dtype)
    above = predictions - (own * predictions).sum(axis=1, keepdims=True) + margin
    above = np.where(own == 1, 0, np.maximum(0, above))
    rivals = (above > 0).astype(predictions.dtype)
    slope = rivals - own * rivals.sum(axis=1, keepdims=True)
    store(labels, weight, above.sum(axis=1), slope, loss, dpredictions)


def cosine_similarity(predictions, targets, order, weight, loss, dpredictions):
    """-sum_k p_k t_k / (|p| |t|), norms of at least 1e-7"""
    lengths = [np.sqrt((x * x).sum(axis=1, keepdims=True)) for x in (predictions, targets)]
    length, other = (np.maximum(n, SMALLEST_NORM) for n in lengths)
    cosine = (predictions * targets).sum(axis=1, keepdims=True) / length / other
    back = np.where(length > SMALLEST_NORM, cosine * predictions / length**2, 0)
    slope = back - targets / length / other
    store(order, weight, -cosine[:, 0], slope, loss, dpredictions)


def dice(predictions, targets, order, weight, loss, dpredictions):
    """1 - 2 sum_k p_k t_k / (sum_k p_k + sum_k t_k + 1e-7)"""
    total = (predictions + targets).sum(axis=1, keepdims=True) + CLIP
    overlap = 2 * (predictions * targets).sum(axis=1, keepdims=True) / total
    store(order, weight, 1 - overlap[:, 0], (overlap - 2 * targets) / total, loss, dpredictions)


def categorical_focal_crossentropy(
    predictions,
    targets,
    order,
    weight,
    loss,
    dpredictions,
    *,
    from_logits,
    label_smoothing,
    alpha,
    gamma,
):
    """-alpha sum_k t_k (1 - p_k)^gamma log p_k, t = (1 - s) targets + s / K

    p = softmax(z), or y / sum y clipped
    """
    t = alpha * smooth(targets, label_smoothing)
    if from_logits:
        z = predictions - predictions.max(axis=1, keepdims=True)
        p, log_p = softmax(z), z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    else:
        p, backward = normalised(predictions)
        log_p = np.log(p)
    miss = np.maximum(1 - p, 1e-37)
    # p times the slope in p, which stays finite where p is 0
    flow = t * (gamma * miss ** (gamma - 1) * p * log_p - miss**gamma)
    slope = flow - p * flow.sum(axis=1, keepdims=True) if from_logits else backward(flow / p)
    store(order, weight, -(t * miss**gamma * log_p).sum(axis=1), slope, loss, dpredictions)
