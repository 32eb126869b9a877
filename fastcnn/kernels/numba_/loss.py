"""Softmax, cross entropies and accuracy; what all losses share.

An image's figures are made by one thread, in float64. Lanes whose label or order is negative hold
no image: loss 0, gradient 0.
"""

import math

from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.rows import load_n, store_n
from fastcnn.kernels.numba_.share import split
from fastcnn.kernels.numba_.vecmath import exp, maximum
from fastcnn.kernels.numba_.vector import (
    pointer,
    splat,
)

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

CLIP = 1e-7  # probabilities are clipped to [CLIP, 1 - CLIP]


# ---- softmax as a layer


def softmax_forward(work, x, y):
    height, n = x.shape[2], x.shape[3] * x.shape[4]
    x_step, y_step = x.strides[1] // 4, y.strides[1] // 4
    begin, end = split(x.shape[0] * height, work)
    for row in range(begin, end):
        p, q = (
            pointer(x, row // height, 0, row % height),
            pointer(y, row // height, 0, row % height),
        )
        for i in range(0, n, VW):
            top, total = load_n(p + i, n - i), splat(0.0)
            for k in range(1, x.shape[1]):
                top = maximum(load_n(p + (k * x_step + i), n - i), top)
            for k in range(x.shape[1]):
                e = exp(load_n(p + (k * x_step + i), n - i) - top)
                store_n(q + (k * y_step + i), e, n - i)
                total = total + e
            for k in range(x.shape[1]):
                at = q + (k * y_step + i)
                store_n(at, load_n(at, n - i) / total, n - i)


def softmax_backward(work, dy, y, dx):
    height, n = y.shape[2], y.shape[3] * y.shape[4]
    steps = dy.strides[1] // 4, y.strides[1] // 4, dx.strides[1] // 4
    begin, end = split(y.shape[0] * height, work)
    for row in range(begin, end):
        b, h = row // height, row % height
        d, p, q = pointer(dy, b, 0, h), pointer(y, b, 0, h), pointer(dx, b, 0, h)
        for i in range(0, n, VW):
            total = splat(0.0)
            for k in range(y.shape[1]):
                left = load_n(d + (k * steps[0] + i), n - i)
                total = total + left * load_n(p + (k * steps[1] + i), n - i)
            for k in range(y.shape[1]):
                v = load_n(d + (k * steps[0] + i), n - i) - total
                v = v * load_n(p + (k * steps[1] + i), n - i)
                store_n(q + (k * steps[2] + i), v, n - i)


# ---- what all losses share


@helper
def count_images(order):
    """At least 1."""
    count = 0
    for b in range(order.shape[0]):
        for lane in range(order.shape[1]):
            count += 1 if order[b, lane] >= 0 else 0
    return max(1, count)


@helper
def weight_of(weight, b, lane):
    return float(weight[b, lane]) if weight.size else 1.0


@helper
def no_image(loss, dpredictions, b, lane):
    loss[b, lane] = 0.0
    for k in range(dpredictions.shape[1]):
        dpredictions[b, k, lane] = 0.0


@helper
def first_largest(x, b, lane):
    best = 0
    for k in range(1, x.shape[1]):
        if x[b, k, lane] > x[b, best, lane]:
            best = k
    return best


@helper
def sum_of(x, b, lane):
    total = 0.0
    for k in range(x.shape[1]):
        total += x[b, k, lane]
    return total


@helper
def log_sum_exp(z, b, lane):
    """(the largest, log of the sum of exp(z - the largest))"""
    top, total = float(z[b, first_largest(z, b, lane), lane]), 0.0
    for k in range(z.shape[1]):
        total += math.exp(z[b, k, lane] - top)
    return top, math.log(total)


@helper
def clip(p):
    """NaN stays NaN."""
    return CLIP if p < CLIP else (1.0 - CLIP if p > 1.0 - CLIP else p)


@helper
def is_inside(p):
    return CLIP <= p <= 1.0 - CLIP


# ---- cross entropies: a target is that of a label, or one of an array


@helper
def label_target(labels, b, k, lane):
    return 1.0 if labels[b, lane] == k else 0.0


@helper
def dense_target(targets, b, k, lane):
    return float(targets[b, k, lane])


def make_softmax_cross_entropy(target_of):
    @helper
    def compute(work, z, targets, order, weight, loss, dz, label_smoothing):
        classes, lanes = z.shape[1], z.shape[2]
        own, rest = 1.0 - label_smoothing, label_smoothing / classes
        images = count_images(order)
        begin, end = split(z.shape[0] * lanes, work)
        for item in range(begin, end):
            b, lane = item // lanes, item % lanes
            if order[b, lane] < 0:
                no_image(loss, dz, b, lane)
                continue
            top, log_total = log_sum_exp(z, b, lane)
            result, whole, w = 0.0, 0.0, weight_of(weight, b, lane)
            for k in range(classes):
                target = own * target_of(targets, b, k, lane) + rest
                whole += target
                if target != 0.0:
                    result -= target * (z[b, k, lane] - top - log_total)
            loss[b, lane] = w * result
            for k in range(dz.shape[1]):
                target = own * target_of(targets, b, k, lane) + rest
                softmax = math.exp(z[b, k, lane] - top - log_total)
                dz[b, k, lane] = w / images * (whole * softmax - target)

    return compute


_softmax_labels = make_softmax_cross_entropy(label_target)
_softmax_dense = make_softmax_cross_entropy(dense_target)


def softmax_cross_entropy(work, predictions, labels, weight, loss, dpredictions, label_smoothing):
    _softmax_labels(work, predictions, labels, labels, weight, loss, dpredictions, label_smoothing)


def softmax_cross_entropy_dense(
    work, predictions, targets, order, weight, loss, dpredictions, label_smoothing
):
    _softmax_dense(work, predictions, targets, order, weight, loss, dpredictions, label_smoothing)


def make_cross_entropy(target_of):
    @helper
    def compute(work, y, targets, order, weight, loss, dy, label_smoothing):
        classes, lanes = y.shape[1], y.shape[2]
        own, rest = 1.0 - label_smoothing, label_smoothing / classes
        images = count_images(order)
        begin, end = split(y.shape[0] * lanes, work)
        for item in range(begin, end):
            b, lane = item // lanes, item % lanes
            if order[b, lane] < 0:
                no_image(loss, dy, b, lane)
                continue
            total, w = sum_of(y, b, lane), weight_of(weight, b, lane)
            result, common = 0.0, 0.0
            for k in range(classes):
                p, target = y[b, k, lane] / total, own * target_of(targets, b, k, lane) + rest
                result -= target * math.log(clip(p))
                common -= target if is_inside(p) else 0.0
            loss[b, lane] = w * result
            for k in range(dy.shape[1]):
                p, target = y[b, k, lane] / total, own * target_of(targets, b, k, lane) + rest
                slope = -target / p if is_inside(p) else 0.0
                dy[b, k, lane] = w / images * (slope - common) / total

    return compute


_labels, _dense = make_cross_entropy(label_target), make_cross_entropy(dense_target)


def cross_entropy(work, predictions, labels, weight, loss, dpredictions, label_smoothing):
    _labels(work, predictions, labels, labels, weight, loss, dpredictions, label_smoothing)


def cross_entropy_dense(
    work, predictions, targets, order, weight, loss, dpredictions, label_smoothing
):
    _dense(work, predictions, targets, order, weight, loss, dpredictions, label_smoothing)


# ---- accuracy


def correct_labels(work, predictions, labels, correct):
    lanes = predictions.shape[2]
    begin, end = split(predictions.shape[0] * lanes, work)
    for item in range(begin, end):
        b, lane = item // lanes, item % lanes
        label = labels[b, lane]
        right = label >= 0 and first_largest(predictions, b, lane) == label
        correct[b, lane] = 1.0 if right else 0.0


def correct_dense(work, predictions, targets, order, correct, threshold):
    lanes = predictions.shape[2]
    begin, end = split(predictions.shape[0] * lanes, work)
    for item in range(begin, end):
        b, lane = item // lanes, item % lanes
        if predictions.shape[1] > 1:
            same = first_largest(predictions, b, lane) == first_largest(targets, b, lane)
        else:
            same = (predictions[b, 0, lane] > threshold) == (targets[b, 0, lane] > 0.5)
        correct[b, lane] = 1.0 if same and order[b, lane] >= 0 else 0.0
