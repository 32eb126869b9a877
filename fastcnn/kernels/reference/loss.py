"""Softmax, cross entropies and accuracy; what all losses share.

Classes (or outputs) lie on axis K of (B, K, L); labels and order are (B, L), negative in lanes that
hold no image: loss 0, gradient 0. A loss is multiplied by its sample's weight; gradients are those
of the sum of these over the number of images.
"""

import numpy as np

__all__ = [
    "correct_dense",
    "correct_labels",
    "cross_entropy",
    "cross_entropy_dense",
    "softmax_backward",
    "softmax_cross_entropy",
    "softmax_cross_entropy_dense",
    "softmax_forward",
]

CLIP = 1e-7  # probabilities are clipped to [CLIP, 1 - CLIP] as Keras does


def softmax(x):
    """exp(x) / sum exp(x), over axis 1"""
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def softmax_forward(x, y):
    y[...] = softmax(x)


def softmax_backward(dy, y, dx):
    """dx = y (dy - sum_k dy_k y_k)"""
    dx[...] = y * (dy - (dy * y).sum(axis=1, keepdims=True))


def one_hot(labels, classes, dtype):
    """(B, K, L) from (B, L); all zero where the label is negative"""
    return (labels[:, None, :] == np.arange(classes)[:, None]).astype(dtype)


def smooth(targets, label_smoothing):
    """(1 - s) t + s / K"""
    return (1 - label_smoothing) * targets + label_smoothing / targets.shape[1]


def store(order, weight, value, slope, loss, dpredictions):
    """Results of the lanes that hold images; the gradient of their weighted mean.

    value (B, L): of each sample; slope (B, K, L): its derivative.
    """
    there = order >= 0
    weight = there if weight is None else weight
    loss[...] = np.where(there, weight * value, 0)
    if dpredictions is not None:
        share = (weight / max(1, there.sum()))[:, None, :]
        dpredictions[...] = np.where(there[:, None, :], share * slope, 0)


def softmax_cross_entropy(predictions, labels, weight, loss, dpredictions, *, label_smoothing):
    """loss = -sum_k t_k log softmax(z)_k, t = (1 - s) onehot + s / K, s = label_smoothing"""
    targets = smooth(one_hot(labels, predictions.shape[1], predictions.dtype), label_smoothing)
    value, slope = _softmax_cross_entropy(predictions, targets)
    store(labels, weight, value, slope, loss, dpredictions)


def softmax_cross_entropy_dense(
    predictions, targets, order, weight, loss, dpredictions, *, label_smoothing
):
    """loss = -sum_k t_k log softmax(z)_k, t = (1 - s) targets + s / K, s = label_smoothing"""
    targets = smooth(targets, label_smoothing)
    value, slope = _softmax_cross_entropy(predictions, targets)
    store(order, weight, value, slope, loss, dpredictions)


def _softmax_cross_entropy(z, targets):
    d = z - z.max(axis=1, keepdims=True)
    log_softmax = d - np.log(np.exp(d).sum(axis=1, keepdims=True))
    slope = targets.sum(axis=1, keepdims=True) * np.exp(log_softmax) - targets
    return -(targets * log_softmax).sum(axis=1), slope


def cross_entropy(predictions, labels, weight, loss, dpredictions, *, label_smoothing):
    """loss = -sum_k t_k log clip(p_k), p = y / sum y, t = (1 - s) onehot + s / K"""
    targets = smooth(one_hot(labels, predictions.shape[1], predictions.dtype), label_smoothing)
    value, slope = _cross_entropy(predictions, targets)
    store(labels, weight, value, slope, loss, dpredictions)


def cross_entropy_dense(
    predictions, targets, order, weight, loss, dpredictions, *, label_smoothing
):
    """loss = -sum_k t_k log clip(p_k), p = y / sum y, t = (1 - s) targets + s / K"""
    targets = smooth(targets, label_smoothing)
    value, slope = _cross_entropy(predictions, targets)
    store(order, weight, value, slope, loss, dpredictions)


def normalised(y):
    """(p = y / sum y clipped, what takes d loss / d p to d loss / d y); 0 flows where p is clipped

    dy_j = (g_j - sum_k g_k p_k) / sum y, g_k = d loss / d p_k
    """
    total = y.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):  # lanes without image may hold zeros
        p = y / total
    inside = (p >= CLIP) & (p <= 1 - CLIP)

    def backward(g):
        g = np.where(inside, g, 0)
        with np.errstate(invalid="ignore"):
            return (g - (g * p).sum(axis=1, keepdims=True)) / total

    return np.clip(p, CLIP, 1 - CLIP), backward


def _cross_entropy(y, targets):
    p, backward = normalised(y)
    return -(targets * np.log(p)).sum(axis=1), backward(-targets / p)


def correct_labels(predictions, labels, correct):
    """1 where the largest output (the first of equal ones) is that of the label"""
    correct[...] = (predictions.argmax(axis=1) == labels) & (labels >= 0)


def correct_dense(predictions, targets, order, correct, *, threshold):
    """1 where the largest output is that of the largest target; a single output: on its side"""
    if predictions.shape[1] > 1:
        same = predictions.argmax(axis=1) == targets.argmax(axis=1)
    else:
        same = (predictions[:, 0] > threshold) == (targets[:, 0] > 0.5)
    correct[...] = same & (order >= 0)
