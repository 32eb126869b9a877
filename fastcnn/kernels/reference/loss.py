"""Losses, one figure for each image, and softmax as a layer.

Classes (or outputs) lie on axis K of (B, K, L); labels and order are (B, L), negative in lanes that
hold no image: loss 0, gradient 0. Gradients are those of the mean over the images of the batch.
`correct` is 1 where the largest output (the first of equal ones) is the wanted class.
"""

import numpy as np

__all__ = [
    "cross_entropy",
    "cross_entropy_dense",
    "mean_squared_error",
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


def _store(order, result, gradient, loss, out):
    """Results of the lanes that hold images; the gradient of their mean."""
    there = order >= 0
    loss[...] = np.where(there, result, 0)
    if out is not None:
        out[...] = np.where(there[:, None, :], gradient, 0) / max(1, there.sum())


def _store_correct(order, outputs, wanted, correct):
    correct[...] = (outputs.argmax(axis=1) == wanted) & (order >= 0)


def softmax_cross_entropy(logits, labels, loss, correct, dlogits, *, label_smoothing):
    """loss = -sum_k t_k log softmax(z)_k, t = (1 - s) onehot + s / K, s = label_smoothing"""
    classes = logits.shape[1]
    targets = (1 - label_smoothing) * one_hot(labels, classes, logits.dtype)
    targets += label_smoothing / classes
    result, gradient = _softmax_cross_entropy(logits, targets)
    _store(labels, result, gradient, loss, dlogits)
    _store_correct(labels, logits, labels, correct)


def softmax_cross_entropy_dense(logits, targets, order, loss, correct, dlogits):
    """loss = -sum_k t_k log softmax(z)_k, targets t one-hot or soft"""
    result, gradient = _softmax_cross_entropy(logits, targets)
    _store(order, result, gradient, loss, dlogits)
    _store_correct(order, logits, targets.argmax(axis=1), correct)


def _softmax_cross_entropy(z, targets):
    d = z - z.max(axis=1, keepdims=True)
    log_softmax = d - np.log(np.exp(d).sum(axis=1, keepdims=True))
    gradient = targets.sum(axis=1, keepdims=True) * np.exp(log_softmax) - targets
    return -(targets * log_softmax).sum(axis=1), gradient


def cross_entropy(probabilities, labels, loss, correct, dprobabilities):
    """loss = -log clip(p_label); gradient -1 / p_label where p_label was not clipped"""
    targets = one_hot(labels, probabilities.shape[1], probabilities.dtype)
    result, gradient = _cross_entropy(probabilities, targets)
    _store(labels, result, gradient, loss, dprobabilities)
    _store_correct(labels, probabilities, labels, correct)


def cross_entropy_dense(probabilities, targets, order, loss, correct, dprobabilities):
    """loss = -sum_k t_k log clip(p_k); gradient -t_k / p_k where p_k was not clipped"""
    result, gradient = _cross_entropy(probabilities, targets)
    _store(order, result, gradient, loss, dprobabilities)
    _store_correct(order, probabilities, targets.argmax(axis=1), correct)


def _cross_entropy(p, targets):
    clipped = np.clip(p, CLIP, 1 - CLIP)
    inside = (p >= CLIP) & (p <= 1 - CLIP)
    return -(targets * np.log(clipped)).sum(axis=1), np.where(inside, -targets / clipped, 0)


def mean_squared_error(predictions, targets, order, loss, dpredictions):
    """loss = mean_k (p_k - t_k)^2"""
    d = predictions - targets
    _store(order, (d * d).mean(axis=1), 2 * d / d.shape[1], loss, dpredictions)
