"""Larger images by whole factors; output pixel i has its centre at (i + 1/2) / f - 1/2."""

import math

from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.rows import load_n, store_n
from fastcnn.kernels.numba_.share import split
from fastcnn.kernels.numba_.vector import (
    pointer,
    splat,
)

__all__ = [
    "upsample2d_bilinear_backward",
    "upsample2d_bilinear_forward",
    "upsample2d_nearest_backward",
    "upsample2d_nearest_forward",
]


@helper
def split_plane_rows(y, work):
    """(first, end) of the rows of y; `place` tells where one lies."""
    return split(y.shape[0] * y.shape[1] * y.shape[2], work)


@helper
def place(y, row):
    """(block, channel, row in the image)"""
    height, channels = y.shape[2], y.shape[1]
    return row // height // channels, row // height % channels, row % height


def upsample2d_nearest_forward(work, x, y):
    lanes, down, across = x.shape[4], y.shape[2] // x.shape[2], y.shape[3] // x.shape[3]
    begin, end = split_plane_rows(y, work)
    for row in range(begin, end):
        b, c, h = place(y, row)
        p, q = pointer(x, b, c, h // down), pointer(y, b, c, h)
        for w in range(y.shape[3]):
            for i in range(0, lanes, VW):
                v = load_n(p + (w // across * lanes + i), lanes - i)
                store_n(q + (w * lanes + i), v, lanes - i)


def upsample2d_nearest_backward(work, dy, dx):
    lanes, down, across = dx.shape[4], dy.shape[2] // dx.shape[2], dy.shape[3] // dx.shape[3]
    begin, end = split_plane_rows(dx, work)
    for row in range(begin, end):
        b, c, h = place(dx, row)
        q = pointer(dx, b, c, h)
        for w in range(dx.shape[3]):
            for i in range(0, lanes, VW):
                total = splat(0.0)
                for oh in range(h * down, (h + 1) * down):
                    p = pointer(dy, b, c, oh, w * across) + i
                    for k in range(across):
                        total = total + load_n(p + k * lanes, lanes - i)
                store_n(q + (w * lanes + i), total, lanes - i)


@helper
def sources(i, size, out):
    """(first input, second input, weight of the second) of output i"""
    at = (i + 0.5) * size / out - 0.5
    before = math.floor(at)
    return max(before, 0), min(before + 1, size - 1), at - before


@helper
def weight(i, j, size, out):
    """Of input j in output i."""
    first, second, part = sources(i, size, out)
    return (1.0 - part if first == j else 0.0) + (part if second == j else 0.0)


def upsample2d_bilinear_forward(work, x, y):
    lanes = x.shape[4]
    begin, end = split_plane_rows(y, work)
    for row in range(begin, end):
        b, c, h = place(y, row)
        top, low, down = sources(h, x.shape[2], y.shape[2])
        p, r, q = pointer(x, b, c, top), pointer(x, b, c, low), pointer(y, b, c, h)
        for w in range(y.shape[3]):
            left, right, across = sources(w, x.shape[3], y.shape[3])
            for i in range(0, lanes, VW):
                n, a, z = lanes - i, left * lanes + i, right * lanes + i
                upper = load_n(p + a, n) * (1.0 - across) + load_n(p + z, n) * across
                lower = load_n(r + a, n) * (1.0 - across) + load_n(r + z, n) * across
                store_n(q + (w * lanes + i), upper * (1.0 - down) + lower * down, n)


@helper
def reached(j, size, out):
    """Outputs [begin, end) that may read input j"""
    factor = out // size
    return max(0, (j - 1) * factor), min(out, (j + 2) * factor)


def upsample2d_bilinear_backward(work, dy, dx):
    lanes, height, width = dx.shape[4], dx.shape[2], dx.shape[3]
    begin, end = split_plane_rows(dx, work)
    for row in range(begin, end):
        b, c, h = place(dx, row)
        q = pointer(dx, b, c, h)
        top, bottom = reached(h, height, dy.shape[2])
        for w in range(width):
            left, right = reached(w, width, dy.shape[3])
            for i in range(0, lanes, VW):
                total = splat(0.0)
                for oh in range(top, bottom):
                    p, part = pointer(dy, b, c, oh) + i, splat(0.0)
                    for ow in range(left, right):
                        d = load_n(p + ow * lanes, lanes - i)
                        part = part + d * weight(ow, w, width, dy.shape[3])
                    total = total + part * weight(oh, h, height, dy.shape[2])
                store_n(q + (w * lanes + i), total, lanes - i)
