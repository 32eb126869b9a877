"""Gathering with augmentation; what the records mean is said in reference/augment.py."""

import math

from fastcnn.kernels.numba_.helper import helper, scratch
from fastcnn.kernels.numba_.share import split
from fastcnn.kernels.spec import ENUMS

__all__ = ["augment_images", "mix_targets"]

LIMIT = 1e6  # coordinates are clamped to this, so that they fit an integer
CONSTANT, REFLECT, WRAP = (ENUMS["fill"][name] for name in ("constant", "reflect", "wrap"))


@helper
def inside(k, n, fill):
    """The index in 0 .. n - 1 that stands for index k."""
    if fill == WRAP:
        return k % n
    if fill == REFLECT:
        k = k % (2 * n)
        return min(k, 2 * n - 1 - k)
    return min(max(k, 0), n - 1)


@helper
def pixel(images, image, row, column, c, fill, fill_value):
    rows, columns = images.shape[1], images.shape[2]
    if fill == CONSTANT and (row < 0 or row >= rows or column < 0 or column >= columns):
        return fill_value
    return float(images[image, inside(row, rows, fill), inside(column, columns, fill), c])


@helper
def clamp(v):
    return min(max(v, -LIMIT), LIMIT)


@helper
def warp(images, image, m, h, w, fill, fill_value, values):
    """values[c]: pixel (h, w) of the image seen through the matrix m"""
    column = clamp(m[0] * float(w) + m[1] * float(h) + m[2])
    row = clamp(m[3] * float(w) + m[4] * float(h) + m[5])
    left, top = math.floor(column), math.floor(row)
    right, down = column - left, row - top
    for c in range(images.shape[3]):
        a = pixel(images, image, top, left, c, fill, fill_value)
        b = pixel(images, image, top, left + 1, c, fill, fill_value)
        d = pixel(images, image, top + 1, left, c, fill, fill_value)
        e = pixel(images, image, top + 1, left + 1, c, fill, fill_value)
        upper, lower = a + right * (b - a), d + right * (e - d)
        values[c] = upper + down * (lower - upper)


@helper
def in_box(box, h, w):
    return box[0] <= h < box[1] and box[2] <= w < box[3]


@helper
def own_pixel(records, b, lane, h, w, fill, fill_value, raw, out):
    """out[c]: pixel (h, w) of the image in a lane as its own records have made it"""
    images, order, matrix, color, hole, scale, offset = records
    channels = images.shape[3]
    if in_box(hole[b, lane], h, w):
        for c in range(channels):
            out[c] = 0.0
        return
    warp(images, order[b, lane], matrix[b, lane], h, w, fill, fill_value, raw)
    for c in range(channels):
        v = float(raw[c])
        if color.size:
            v = float(color[b, lane, c, channels])
            for k in range(channels):
                v += color[b, lane, c, k] * float(raw[k])
        v *= scale[c] if scale.size else 1.0
        out[c] = v + (offset[c] if offset.size else 0.0)


@scratch(lambda arrays, params: 3 * arrays["images"].shape[3])
def augment_images(
    work,
    images,
    order,
    matrix,
    color,
    hole,
    patch,
    partner,
    share,
    scale,
    offset,
    x,
    fill,
    fill_value,
):
    channels, height, lanes = x.shape[1], x.shape[2], x.shape[4]
    raw, own = work.scratch[:channels], work.scratch[channels : 2 * channels]
    other = work.scratch[2 * channels : 3 * channels]
    records = (images, order, matrix, color, hole, scale, offset)
    begin, end = split(x.shape[0] * height, work)
    for row in range(begin, end):
        b, h = row // height, row % height
        for lane in range(lanes):
            place = partner[b, lane]
            there = order[b, lane] >= 0
            known = 0 <= place < order.shape[0] * lanes
            mixes = known and order[place // lanes, place % lanes] >= 0
            for w in range(x.shape[3]):
                part = share[b, lane]
                if there:
                    own_pixel(records, b, lane, h, w, fill, fill_value, raw, own)
                if there and mixes:
                    part = 0.0 if in_box(patch[b, lane], h, w) else part
                    at = (place // lanes, place % lanes)
                    own_pixel(records, at[0], at[1], h, w, fill, fill_value, raw, other)
                for c in range(channels):
                    v = own[c] if there else 0.0
                    if there and mixes:
                        v = part * own[c] + (1.0 - part) * other[c]
                    x[b, c, h, w, lane] = v


def mix_targets(work, labels, partner, own, targets):
    lanes = labels.shape[1]
    begin, end = split(labels.shape[0] * lanes, work)
    for item in range(begin, end):
        b, lane = item // lanes, item % lanes
        label, place, part = labels[b, lane], partner[b, lane], own[b, lane]
        other = labels[place // lanes, place % lanes] if place >= 0 else label
        for k in range(targets.shape[1]):
            mine, yours = 1.0 if label == k else 0.0, 1.0 if other == k else 0.0
            targets[b, k, lane] = part * mine + (1.0 - part) * yours
