"""Inverted dropout; which elements are kept is said in reference/dropout.py.

The lanes of a pixel are the images of a block, so a vector of counters gives the words of four
neighbouring elements.
"""

import numpy as np

from fastcnn.kernels.numba_.activation_math import activate_backward
from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.philox import philox
from fastcnn.kernels.numba_.rows import load_n, store_n
from fastcnn.kernels.numba_.share import ceil_div, split
from fastcnn.kernels.numba_.vector import (
    as_unsigned,
    bits_mask,
    lane_numbers,
    like,
    mask_bits,
    pointer,
    select,
)

__all__ = ["dropout_backward", "dropout_forward"]

MOST = 4294967295.0


@helper
def drop_threshold(rate):
    return np.uint32(min(max(rate * 4294967296.0, 0.0), MOST))


@helper
def draw(state, layer, b, quad, part, lanes):
    """Words of elements 4 quad to 4 quad + 3 of block b, vectors of lanes from `part` on."""
    images = as_unsigned(lane_numbers() + (b * lanes + part))
    zero = images ^ images
    key = np.uint32(state[0]), np.uint32(state[0] >> 32)
    return philox(zero | quad, images, zero | state[1], zero | layer, key[0], key[1])


@helper
def keep_lanes(words, threshold, p, q, n, scale):
    """Write x / (1 - rate) where the word is large enough, else 0; bit i: lane i is kept."""
    keep = words >= threshold
    v = load_n(p, n) * scale
    store_n(q, select(keep, v, like(v, 0.0)), n)
    return mask_bits(keep)


@helper
def drop_quad(x, y, mask, b, quad, words, part, threshold, scale):
    """Elements 4 quad to 4 quad + 3 of block b, lanes from `part` on."""
    height, width, lanes = x.shape[2], x.shape[3], x.shape[4]
    most = x.shape[1] * height * width
    for k in range(4):
        e = 4 * quad + k
        if e < most:
            c, h, w = e // (height * width), e // width % height, e % width
            p, q = pointer(x, b, c, h, w, part), pointer(y, b, c, h, w, part)
            bits = keep_lanes(words[k], threshold, p, q, lanes - part, scale)
            if lanes - part < VW:
                bits &= (1 << (lanes - part)) - 1
            before = mask[b, c, h, w] if part else 0
            mask[b, c, h, w] = np.uint16(before | bits << part)


def dropout_forward(work, x, y, mask, state, layer, rate):
    lanes, elements = x.shape[4], x.shape[1] * x.shape[2] * x.shape[3]
    quads = ceil_div(elements, 4)
    threshold, scale = drop_threshold(rate), 1.0 / (1.0 - rate)
    begin, end = split(x.shape[0] * quads, work)
    for item in range(begin, end):
        b, quad = item // quads, item % quads
        for part in range(0, lanes, VW):
            words = draw(state, layer, b, quad, part, lanes)
            drop_quad(x, y, mask, b, quad, words, part, threshold, scale)


def dropout_backward(work, dy, mask, y, dx, rate, activation, alpha):
    height, channels, lanes = dx.shape[2], dx.shape[1], dx.shape[4]
    scale, applied = 1.0 / (1.0 - rate), activation if y.size else 0
    begin, end = split(dx.shape[0] * channels * height, work)
    for row in range(begin, end):
        b, c, h = row // height // channels, row // height % channels, row % height
        p, q, s = pointer(dy, b, c, h), pointer(dx, b, c, h), pointer(y, b, c, h)
        for w in range(dx.shape[3]):
            bits = np.int64(mask[b, c, h, w])
            for part in range(0, lanes, VW):
                n, at = lanes - part, w * lanes + part
                d = load_n(p + at, n) * scale
                d = select(bits_mask(bits >> part), d, like(d, 0.0))
                if applied:
                    d = activate_backward(d, load_n(s + at, n), applied, alpha)
                store_n(q + at, d, n)
