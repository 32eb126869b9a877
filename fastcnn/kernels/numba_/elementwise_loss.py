"""Losses that add up over the outputs of a sample. Their formulas stand in the reference.

A rule is a helper (prediction, target, constants) that gives an output's value and its derivative.
"""

import math

from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.loss import CLIP, clip, count_images, is_inside, no_image, weight_of
from fastcnn.kernels.numba_.share import split

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


def make_loss(rule, mean=True):
    """Helper (share, predictions, targets, order, weight, loss, dpredictions, constants)."""

    @helper
    def compute(work, predictions, targets, order, weight, loss, dpredictions, constants):
        outputs, lanes = predictions.shape[1], predictions.shape[2]
        divisor, images = outputs if mean else 1, count_images(order)
        begin, end = split(predictions.shape[0] * lanes, work)
        for item in range(begin, end):
            b, lane = item // lanes, item % lanes
            if order[b, lane] < 0:
                no_image(loss, dpredictions, b, lane)
                continue
            w, total = weight_of(weight, b, lane) / divisor, 0.0
            for k in range(outputs):
                p, t = float(predictions[b, k, lane]), float(targets[b, k, lane])
                value, slope = rule(p, t, constants)
                total += value
                if dpredictions.size:
                    dpredictions[b, k, lane] = w / images * slope
            loss[b, lane] = w * total

    return compute


@helper
def sign(d):
    """NaN stays NaN."""
    return 1.0 if d > 0.0 else (-1.0 if d < 0.0 else d)


@helper
def _squared(p, t, constants):
    return (p - t) * (p - t), 2.0 * (p - t)


@helper
def _absolute(p, t, constants):
    return abs(p - t), sign(p - t)


@helper
def _percentage(p, t, constants):
    percent = 100.0 / max(abs(t), CLIP)
    return abs(p - t) * percent, sign(p - t) * percent


@helper
def _logarithmic(p, t, constants):
    shifted = (CLIP if p < CLIP else p) + 1.0
    d = math.log(shifted) - math.log((CLIP if t < CLIP else t) + 1.0)
    return d * d, 2.0 * d / shifted if p >= CLIP else 0.0


@helper
def _huber(p, t, constants):
    d, delta = p - t, constants[0]
    if abs(d) <= delta:
        return d * d / 2.0, d
    return delta * abs(d) - delta * delta / 2.0, delta * sign(d)


@helper
def _log_cosh(p, t, constants):
    d = p - t
    return abs(d) + math.log1p(math.exp(-2.0 * abs(d))) - math.log(2.0), math.tanh(d)


@helper
def _poisson(p, t, constants):
    shifted = p + CLIP if p + CLIP > 0.0 else math.nan
    return p - t * math.log(shifted), 1.0 - t / shifted


@helper
def _kl(p, t, constants):
    inside, p, t = CLIP <= p <= 1.0, clip_to_1(p), clip_to_1(t)
    return t * math.log(t / p), -t / p if inside else 0.0


@helper
def clip_to_1(p):
    return CLIP if p < CLIP else (1.0 if p > 1.0 else p)


@helper
def _hinge(p, t, constants):
    side = -1.0 if t == 0.0 else t
    margin = 1.0 - side * p
    return (0.0, 0.0) if margin <= 0.0 else (margin, -side)


@helper
def _squared_hinge(p, t, constants):
    side = -1.0 if t == 0.0 else t
    margin = 1.0 - side * p
    return (0.0, 0.0) if margin <= 0.0 else (margin * margin, -2.0 * side * margin)


@helper
def sigmoid(x):
    e = math.exp(-abs(x))
    return (e if x < 0.0 else 1.0) / (1.0 + e)


@helper
def yes_or_no(x, t, from_logits):
    """-t log p - (1 - t) log(1 - p) and its slope; p = sigmoid(x), or x clipped"""
    if from_logits:
        value = (x if x > 0.0 else 0.0) - t * x + math.log1p(math.exp(-abs(x)))
        return value, sigmoid(x) - t
    p = clip(x)
    value = -(t * math.log(p) + (1.0 - t) * math.log(1.0 - p))
    return value, (1.0 - t) / (1.0 - p) - t / p if is_inside(x) else 0.0


@helper
def _binary(p, t, constants):
    from_logits, smoothing = constants
    return yes_or_no(p, (1.0 - smoothing) * t + smoothing / 2.0, from_logits)


@helper
def _binary_focal(x, t, constants):
    from_logits, smoothing, balanced, alpha, gamma = constants
    t = (1.0 - smoothing) * t + smoothing / 2.0
    entropy, slope = yes_or_no(x, t, from_logits)
    p = sigmoid(x) if from_logits else x
    dp = p * (1.0 - p) if from_logits else 1.0
    miss = t * (1.0 - p) + (1.0 - t) * p
    miss = 1e-37 if miss < 1e-37 else miss
    balance = t * alpha + (1.0 - t) * (1.0 - alpha) if balanced else 1.0
    slope = miss**gamma * slope + gamma * miss ** (gamma - 1.0) * (1.0 - 2.0 * t) * dp * entropy
    return balance * miss**gamma * entropy, balance * slope


_losses = [make_loss(rule) for rule in (_squared, _absolute, _percentage, _logarithmic)]
squared, absolute, percentage, logarithmic = _losses
_losses = [make_loss(rule) for rule in (_huber, _log_cosh, _poisson, _hinge, _squared_hinge)]
huber_loss, log_cosh_loss, poisson_loss, hinge_loss, squared_hinge_loss = _losses
binary, binary_focal = make_loss(_binary), make_loss(_binary_focal)
kl = make_loss(_kl, mean=False)


def mean_squared_error(work, predictions, targets, order, weight, loss, dpredictions):
    squared(work, predictions, targets, order, weight, loss, dpredictions, ())


def mean_absolute_error(work, predictions, targets, order, weight, loss, dpredictions):
    absolute(work, predictions, targets, order, weight, loss, dpredictions, ())


def mean_absolute_percentage_error(work, predictions, targets, order, weight, loss, dpredictions):
    percentage(work, predictions, targets, order, weight, loss, dpredictions, ())


def mean_squared_logarithmic_error(work, predictions, targets, order, weight, loss, dpredictions):
    logarithmic(work, predictions, targets, order, weight, loss, dpredictions, ())


def huber(work, predictions, targets, order, weight, loss, dpredictions, delta):
    huber_loss(work, predictions, targets, order, weight, loss, dpredictions, (delta,))


def log_cosh(work, predictions, targets, order, weight, loss, dpredictions):
    log_cosh_loss(work, predictions, targets, order, weight, loss, dpredictions, ())


def poisson(work, predictions, targets, order, weight, loss, dpredictions):
    poisson_loss(work, predictions, targets, order, weight, loss, dpredictions, ())


def kl_divergence(work, predictions, targets, order, weight, loss, dpredictions):
    kl(work, predictions, targets, order, weight, loss, dpredictions, ())


def hinge(work, predictions, targets, order, weight, loss, dpredictions):
    hinge_loss(work, predictions, targets, order, weight, loss, dpredictions, ())


def squared_hinge(work, predictions, targets, order, weight, loss, dpredictions):
    squared_hinge_loss(work, predictions, targets, order, weight, loss, dpredictions, ())


def binary_crossentropy(
    work, predictions, targets, order, weight, loss, dpredictions, from_logits, label_smoothing
):
    constants = (from_logits, label_smoothing)
    binary(work, predictions, targets, order, weight, loss, dpredictions, constants)


def binary_focal_crossentropy(
    work,
    predictions,
    targets,
    order,
    weight,
    loss,
    dpredictions,
    from_logits,
    label_smoothing,
    apply_class_balancing,
    alpha,
    gamma,
):
    constants = (from_logits, label_smoothing, apply_class_balancing, alpha, gamma)
    binary_focal(work, predictions, targets, order, weight, loss, dpredictions, constants)
