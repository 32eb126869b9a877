"""Losses that add up over the outputs of a sample.

Arguments as in loss.py. p: prediction, t: target, d = p - t.
"""

import numpy as np

from fastcnn.kernels.reference.loss import CLIP, store

__all__ = [
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "squared_hinge",
]


def _store_mean(order, weight, value, slope, loss, dpredictions):
    """value, slope (B, K, L) of each output; the loss is the mean over outputs."""
    outputs = value.shape[1]
    store(order, weight, value.mean(axis=1), slope / outputs, loss, dpredictions)


def mean_squared_error(predictions, targets, order, weight, loss, dpredictions):
    """mean_k d^2"""
    d = predictions - targets
    _store_mean(order, weight, d * d, 2 * d, loss, dpredictions)


def mean_absolute_error(predictions, targets, order, weight, loss, dpredictions):
    """mean_k |d|"""
    d = predictions - targets
    _store_mean(order, weight, abs(d), np.sign(d), loss, dpredictions)


def mean_absolute_percentage_error(predictions, targets, order, weight, loss, dpredictions):
    """mean_k 100 |d| / max(|t|, 1e-7)"""
    d, percent = predictions - targets, 100 / np.maximum(abs(targets), CLIP)
    _store_mean(order, weight, abs(d) * percent, np.sign(d) * percent, loss, dpredictions)


def mean_squared_logarithmic_error(predictions, targets, order, weight, loss, dpredictions):
    """mean_k (log(1 + max(p, 1e-7)) - log(1 + max(t, 1e-7)))^2"""
    shifted = np.maximum(predictions, CLIP) + 1
    d = np.log(shifted) - np.log(np.maximum(targets, CLIP) + 1)
    slope = np.where(predictions >= CLIP, 2 * d / shifted, 0)
    _store_mean(order, weight, d * d, slope, loss, dpredictions)


def huber(predictions, targets, order, weight, loss, dpredictions, *, delta):
    """mean_k of d^2 / 2 where |d| <= delta, else delta |d| - delta^2 / 2"""
    d = predictions - targets
    near = abs(d) <= delta
    value = np.where(near, d * d / 2, delta * abs(d) - delta**2 / 2)
    _store_mean(order, weight, value, np.where(near, d, delta * np.sign(d)), loss, dpredictions)


def log_cosh(predictions, targets, order, weight, loss, dpredictions):
    """mean_k log cosh d, as |d| + log(1 + exp(-2 |d|)) - log 2, which does not overflow"""
    d = predictions - targets
    value = abs(d) + np.log1p(np.exp(-2 * abs(d))) - np.log(2)
    _store_mean(order, weight, value, np.tanh(d), loss, dpredictions)


def poisson(predictions, targets, order, weight, loss, dpredictions):
    """mean_k p - t log(p + 1e-7); NaN where p is negative"""
    shifted = np.where(predictions + CLIP > 0, predictions + CLIP, np.nan)
    value = predictions - targets * np.log(shifted)
    _store_mean(order, weight, value, 1 - targets / shifted, loss, dpredictions)


def kl_divergence(predictions, targets, order, weight, loss, dpredictions):
    """sum_k t log(t / p), both clipped to [1e-7, 1]"""
    p, t = np.clip(predictions, CLIP, 1), np.clip(targets, CLIP, 1)
    slope = np.where((predictions >= CLIP) & (predictions <= 1), -t / p, 0)
    store(order, weight, (t * np.log(t / p)).sum(axis=1), slope, loss, dpredictions)


def _margin(predictions, targets):
    """(side, max(0, 1 - side p)): side is the target, -1 for one of 0"""
    side = np.where(targets == 0, -1, targets)
    return side, np.maximum(0, 1 - side * predictions)


def hinge(predictions, targets, order, weight, loss, dpredictions):
    """mean_k max(0, 1 - t p); a target of 0 counts as -1"""
    side, margin = _margin(predictions, targets)
    _store_mean(order, weight, margin, np.where(margin > 0, -side, 0), loss, dpredictions)


def squared_hinge(predictions, targets, order, weight, loss, dpredictions):
    """mean_k max(0, 1 - t p)^2; a target of 0 counts as -1"""
    side, margin = _margin(predictions, targets)
    _store_mean(order, weight, margin**2, -2 * side * margin, loss, dpredictions)


def _yes_or_no(x, t, from_logits):
    """-t log p - (1 - t) log(1 - p) and its slope; p = sigmoid(x), or x clipped"""
    if from_logits:
        value = np.maximum(x, 0) - t * x + np.log1p(np.exp(-abs(x)))
        return value, sigmoid(x) - t
    p = np.clip(x, CLIP, 1 - CLIP)
    inside = (x >= CLIP) & (x <= 1 - CLIP)
    value = -(t * np.log(p) + (1 - t) * np.log(1 - p))
    return value, np.where(inside, (1 - t) / (1 - p) - t / p, 0)


def sigmoid(x):
    """1 / (1 + exp(-x)), which does not overflow"""
    e = np.exp(-abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def binary_crossentropy(
    predictions, targets, order, weight, loss, dpredictions, *, from_logits, label_smoothing
):
    """mean_k -t log p - (1 - t) log(1 - p), t = (1 - s) target + s / 2, s = label_smoothing"""
    t = (1 - label_smoothing) * targets + label_smoothing / 2
    value, slope = _yes_or_no(predictions, t, from_logits)
    _store_mean(order, weight, value, slope, loss, dpredictions)


def binary_focal_crossentropy(
    predictions,
    targets,
    order,
    weight,
    loss,
    dpredictions,
    *,
    from_logits,
    label_smoothing,
    apply_class_balancing,
    alpha,
    gamma,
):
    """mean_k b m^gamma crossentropy, m = t (1 - p) + (1 - t) p, t as in binary_crossentropy

    b = t alpha + (1 - t) (1 - alpha) if apply_class_balancing, else 1
    """
    t = (1 - label_smoothing) * targets + label_smoothing / 2
    entropy, slope = _yes_or_no(predictions, t, from_logits)
    p = sigmoid(predictions) if from_logits else predictions
    dp = p * (1 - p) if from_logits else 1
    miss = np.maximum(t * (1 - p) + (1 - t) * p, 1e-37)
    balance = t * alpha + (1 - t) * (1 - alpha) if apply_class_balancing else 1
    value = balance * miss**gamma * entropy
    slope = miss**gamma * slope + gamma * miss ** (gamma - 1) * (1 - 2 * t) * dp * entropy
    _store_mean(order, weight, value, balance * slope, loss, dpredictions)
