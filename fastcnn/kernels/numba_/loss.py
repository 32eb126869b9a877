"""Losses, one figure for each image, and softmax as a layer. An image's figures are made by one

thread. Gradients are those of the mean over the images of the batch; lanes without image give 0.
"""

import math

import numpy as np

from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.share import split

__all__ = [
    "cross_entropy",
    "cross_entropy_dense",
    "mean_squared_error",
    "softmax_backward",
    "softmax_cross_entropy",
    "softmax_cross_entropy_dense",
    "softmax_forward",
]

CLIP = np.float32(1e-7)  # probabilities are clipped to [CLIP, 1 - CLIP]
MOST = np.float32(1.0) - CLIP
ONE, ZERO = np.float32(1.0), np.float32(0.0)


@helper
def count_images(order):
    """At least 1."""
    count = 0
    for b in range(order.shape[0]):
        for lane in range(order.shape[1]):
            count += 1 if order[b, lane] >= 0 else 0
    return np.float32(max(1, count))


@helper
def first_largest(x, b, lane):
    best = 0
    for k in range(1, x.shape[1]):
        if x[b, k, lane] > x[b, best, lane]:
            best = k
    return best


@helper
def log_sum_exp(z, b, lane):
    """(the largest, log of the sum of exp(z - the largest))"""
    top, total = z[b, first_largest(z, b, lane), lane], ZERO
    for k in range(z.shape[1]):
        total += math.exp(z[b, k, lane] - top)
    return top, math.log(total)


@helper
def clear(gradient, b, lane):
    for k in range(gradient.shape[1]):
        gradient[b, k, lane] = ZERO


def softmax_forward(share, x, y):
    height, width, lanes = x.shape[2], x.shape[3], x.shape[4]
    begin, end = split(x.shape[0] * height * width * lanes, share)
    for item in range(begin, end):
        lane, w = item % lanes, item // lanes % width
        h, b = item // lanes // width % height, item // lanes // width // height
        top, total = x[b, 0, h, w, lane], ZERO
        for k in range(1, x.shape[1]):
            top = max(top, x[b, k, h, w, lane])
        for k in range(x.shape[1]):
            e = math.exp(x[b, k, h, w, lane] - top)
            y[b, k, h, w, lane] = e
            total += e
        for k in range(x.shape[1]):
            y[b, k, h, w, lane] /= total


def softmax_backward(share, dy, y, dx):
    height, width, lanes = y.shape[2], y.shape[3], y.shape[4]
    begin, end = split(y.shape[0] * height * width * lanes, share)
    for item in range(begin, end):
        lane, w = item % lanes, item // lanes % width
        h, b = item // lanes // width % height, item // lanes // width // height
        total = ZERO
        for k in range(y.shape[1]):
            total += dy[b, k, h, w, lane] * y[b, k, h, w, lane]
        for k in range(y.shape[1]):
            dx[b, k, h, w, lane] = y[b, k, h, w, lane] * (dy[b, k, h, w, lane] - total)


def softmax_cross_entropy(share, logits, labels, loss, correct, dlogits, label_smoothing):
    classes, lanes = logits.shape[1], logits.shape[2]
    rest = np.float32(label_smoothing / classes)
    own = np.float32(1.0 - label_smoothing)
    images = count_images(labels[: logits.shape[0]])
    begin, end = split(logits.shape[0] * lanes, share)
    for item in range(begin, end):
        b, lane = item // lanes, item % lanes
        label = labels[b, lane]
        if label < 0:
            loss[b, lane] = correct[b, lane] = ZERO
            if dlogits.size:
                clear(dlogits, b, lane)
            continue
        top, log_total = log_sum_exp(logits, b, lane)
        result = ZERO
        weight = rest * np.float32(classes) + (own if label < classes else ZERO)
        for k in range(classes):
            target = rest + own if k == label else rest
            log_softmax = logits[b, k, lane] - top - log_total
            if target != ZERO:
                result -= target * log_softmax
            if dlogits.size:
                dlogits[b, k, lane] = (weight * math.exp(log_softmax) - target) / images
        loss[b, lane] = result
        correct[b, lane] = ONE if first_largest(logits, b, lane) == label else ZERO


def softmax_cross_entropy_dense(share, logits, targets, order, loss, correct, dlogits):
    classes, lanes = logits.shape[1], logits.shape[2]
    images = count_images(order[: logits.shape[0]])
    begin, end = split(logits.shape[0] * lanes, share)
    for item in range(begin, end):
        b, lane = item // lanes, item % lanes
        if order[b, lane] < 0:
            loss[b, lane] = correct[b, lane] = ZERO
            if dlogits.size:
                clear(dlogits, b, lane)
            continue
        top, log_total = log_sum_exp(logits, b, lane)
        result, weight = ZERO, ZERO
        for k in range(classes):
            weight += targets[b, k, lane]
            result -= targets[b, k, lane] * (logits[b, k, lane] - top - log_total)
        if dlogits.size:
            for k in range(classes):
                softmax = math.exp(logits[b, k, lane] - top - log_total)
                dlogits[b, k, lane] = (weight * softmax - targets[b, k, lane]) / images
        same = first_largest(logits, b, lane) == first_largest(targets, b, lane)
        loss[b, lane], correct[b, lane] = result, ONE if same else ZERO


@helper
def clip(p):
    return min(max(p, CLIP), MOST)


@helper
def unclipped_ratio(target, p):
    """The gradient -t / p, 0 where p was clipped."""
    return -target / p if CLIP <= p <= MOST else ZERO


def cross_entropy(share, probabilities, labels, loss, correct, dprobabilities):
    classes, lanes = probabilities.shape[1], probabilities.shape[2]
    images = count_images(labels[: probabilities.shape[0]])
    begin, end = split(probabilities.shape[0] * lanes, share)
    for item in range(begin, end):
        b, lane = item // lanes, item % lanes
        label = labels[b, lane]
        if dprobabilities.size:
            clear(dprobabilities, b, lane)
        if label < 0 or label >= classes:
            loss[b, lane] = correct[b, lane] = ZERO
            continue
        p = probabilities[b, label, lane]
        loss[b, lane] = -math.log(clip(p))
        if dprobabilities.size:
            dprobabilities[b, label, lane] = unclipped_ratio(ONE, p) / images
        correct[b, lane] = ONE if first_largest(probabilities, b, lane) == label else ZERO


def cross_entropy_dense(share, probabilities, targets, order, loss, correct, dprobabilities):
    classes, lanes = probabilities.shape[1], probabilities.shape[2]
    images = count_images(order[: probabilities.shape[0]])
    begin, end = split(probabilities.shape[0] * lanes, share)
    for item in range(begin, end):
        b, lane = item // lanes, item % lanes
        if order[b, lane] < 0:
            loss[b, lane] = correct[b, lane] = ZERO
            if dprobabilities.size:
                clear(dprobabilities, b, lane)
            continue
        result = ZERO
        for k in range(classes):
            p, target = probabilities[b, k, lane], targets[b, k, lane]
            result -= target * math.log(clip(p))
            if dprobabilities.size:
                dprobabilities[b, k, lane] = unclipped_ratio(target, p) / images
        same = first_largest(probabilities, b, lane) == first_largest(targets, b, lane)
        loss[b, lane], correct[b, lane] = result, ONE if same else ZERO


def mean_squared_error(share, predictions, targets, order, loss, dpredictions):
    outputs, lanes = predictions.shape[1], predictions.shape[2]
    images = count_images(order[: predictions.shape[0]])
    begin, end = split(predictions.shape[0] * lanes, share)
    for item in range(begin, end):
        b, lane = item // lanes, item % lanes
        there, total = order[b, lane] >= 0, ZERO
        for k in range(outputs):
            d = predictions[b, k, lane] - targets[b, k, lane] if there else ZERO
            total += d * d
            if dpredictions.size:
                dpredictions[b, k, lane] = 2 * d / np.float32(outputs) / images
        loss[b, lane] = total / np.float32(outputs)
