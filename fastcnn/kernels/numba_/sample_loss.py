"""Losses that need all outputs of a sample at once. Their formulas stand in the reference."""

import math

from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.loss import (
    CLIP,
    clip,
    count_images,
    is_inside,
    log_sum_exp,
    no_image,
    sum_of,
    weight_of,
)
from fastcnn.kernels.numba_.share import split

__all__ = [
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "cosine_similarity",
    "dice",
    "multi_class_hinge",
]

SMALLEST_NORM = 1e-7


def make_loss(sample):
    """Helper that runs over the samples of this share.

    sample(predictions, targets, loss, dpredictions, b, lane, weight, weight / images, constants)"""

    @helper
    def compute(work, predictions, targets, order, weight, loss, dpredictions, constants):
        lanes, images = predictions.shape[2], count_images(order)
        begin, end = split(predictions.shape[0] * lanes, work)
        for item in range(begin, end):
            b, lane = item // lanes, item % lanes
            if order[b, lane] < 0:
                no_image(loss, dpredictions, b, lane)
                continue
            w = weight_of(weight, b, lane)
            sample(predictions, targets, loss, dpredictions, b, lane, w, w / images, constants)

    return compute


@helper
def _categorical_hinge(p, t, loss, dp, b, lane, w, part, constants):
    rival, most, own = 0, (1.0 - t[b, 0, lane]) * p[b, 0, lane], 0.0
    for k in range(p.shape[1]):
        other = (1.0 - t[b, k, lane]) * p[b, k, lane]
        own += t[b, k, lane] * p[b, k, lane]
        if other > most:
            rival, most = k, other
    value = 1.0 + most - own
    loss[b, lane] = w * (0.0 if value < 0.0 else value)
    for k in range(dp.shape[1]):
        slope = (1.0 - t[b, k, lane] if k == rival else 0.0) - t[b, k, lane]
        dp[b, k, lane] = part * slope if value > 0.0 else 0.0


@helper
def _multi_class_hinge(p, labels, loss, dp, b, lane, w, part, constants):
    label, total, rivals = labels[b, lane], 0.0, 0
    own = p[b, label, lane] if label < p.shape[1] else 0.0
    for k in range(p.shape[1]):
        above = p[b, k, lane] - own + constants[0]
        if k != label and not above <= 0.0:
            total += above
            rivals += 1
    loss[b, lane] = w * total
    for k in range(dp.shape[1]):
        above = p[b, k, lane] - own + constants[0]
        slope = -float(rivals) if k == label else (1.0 if above > 0.0 else 0.0)
        dp[b, k, lane] = part * slope


@helper
def length(x, b, lane):
    total = 0.0
    for k in range(x.shape[1]):
        total += float(x[b, k, lane]) * x[b, k, lane]
    return math.sqrt(total)


@helper
def _cosine(p, t, loss, dp, b, lane, w, part, constants):
    own, other = length(p, b, lane), length(t, b, lane)
    free = own > SMALLEST_NORM
    own = SMALLEST_NORM if own < SMALLEST_NORM else own
    other = SMALLEST_NORM if other < SMALLEST_NORM else other
    cosine = 0.0
    for k in range(p.shape[1]):
        cosine += float(p[b, k, lane]) * t[b, k, lane]
    cosine /= own * other
    loss[b, lane] = -w * cosine
    for k in range(dp.shape[1]):
        back = cosine * p[b, k, lane] / (own * own) if free else 0.0
        dp[b, k, lane] = part * (back - t[b, k, lane] / own / other)


@helper
def _dice(p, t, loss, dp, b, lane, w, part, constants):
    total, overlap = sum_of(p, b, lane) + sum_of(t, b, lane) + CLIP, 0.0
    for k in range(p.shape[1]):
        overlap += 2.0 * p[b, k, lane] * t[b, k, lane]
    overlap /= total
    loss[b, lane] = w * (1.0 - overlap)
    for k in range(dp.shape[1]):
        dp[b, k, lane] = part * (overlap - 2.0 * t[b, k, lane]) / total


@helper
def _focal_flow(p, log_p, t, gamma):
    """(value, p times the slope in p, which stays finite where p is 0)"""
    miss = 1.0 - p
    miss = 1e-37 if miss < 1e-37 else miss
    flow = t * (gamma * miss ** (gamma - 1.0) * p * log_p - miss**gamma)
    return -t * miss**gamma * log_p, flow


@helper
def _focal_part(y, t, b, k, lane, top, log_total, total, constants):
    """(value, flow, p, whether p was not clipped) of output k"""
    from_logits, own, rest, alpha, gamma = constants
    target = alpha * (own * t[b, k, lane] + rest)
    if from_logits:
        log_p = y[b, k, lane] - top - log_total
        p = math.exp(log_p)
        value, flow = _focal_flow(p, log_p, target, gamma)
        return value, flow, p, True
    p = y[b, k, lane] / total
    value, flow = _focal_flow(clip(p), math.log(clip(p)), target, gamma)
    return value, flow if is_inside(p) else 0.0, p, is_inside(p)


@helper
def _focal(y, t, loss, dy, b, lane, w, part, constants):
    from_logits = constants[0]
    top, log_total, total = 0.0, 0.0, 1.0
    if from_logits:
        top, log_total = log_sum_exp(y, b, lane)
    else:
        total = sum_of(y, b, lane)
    result, whole = 0.0, 0.0
    for k in range(y.shape[1]):
        value, flow, _, _ = _focal_part(y, t, b, k, lane, top, log_total, total, constants)
        result += value
        whole += flow
    loss[b, lane] = w * result
    for k in range(dy.shape[1]):
        _, flow, p, inside = _focal_part(y, t, b, k, lane, top, log_total, total, constants)
        slope = flow - p * whole if from_logits else ((flow / p if inside else 0.0) - whole) / total
        dy[b, k, lane] = part * slope


categorical_hinge_loss = make_loss(_categorical_hinge)
multi_class_hinge_loss = make_loss(_multi_class_hinge)
cosine_loss, dice_loss, focal_loss = make_loss(_cosine), make_loss(_dice), make_loss(_focal)


def categorical_hinge(work, predictions, targets, order, weight, loss, dpredictions):
    categorical_hinge_loss(work, predictions, targets, order, weight, loss, dpredictions, ())


def multi_class_hinge(work, predictions, labels, weight, loss, dpredictions, margin):
    arrays = (predictions, labels, labels, weight, loss, dpredictions)
    multi_class_hinge_loss(work, *arrays, (margin,))


def cosine_similarity(work, predictions, targets, order, weight, loss, dpredictions):
    cosine_loss(work, predictions, targets, order, weight, loss, dpredictions, ())


def dice(work, predictions, targets, order, weight, loss, dpredictions):
    dice_loss(work, predictions, targets, order, weight, loss, dpredictions, ())


def categorical_focal_crossentropy(
    work,
    predictions,
    targets,
    order,
    weight,
    loss,
    dpredictions,
    from_logits,
    label_smoothing,
    alpha,
    gamma,
):
    rest = label_smoothing / predictions.shape[1]
    constants = (from_logits, 1.0 - label_smoothing, rest, alpha, gamma)
    focal_loss(work, predictions, targets, order, weight, loss, dpredictions, constants)
