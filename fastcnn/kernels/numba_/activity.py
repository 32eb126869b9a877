"""Penalties on activations. Lanes whose order is negative hold no image: penalty 0, gradient 0."""

from fastcnn.kernels.numba_.batch_norm import is_full, masked
from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.gradient import sign
from fastcnn.kernels.numba_.loss import count_images
from fastcnn.kernels.numba_.rows import load_n, store_n
from fastcnn.kernels.numba_.share import ceil_div, split
from fastcnn.kernels.numba_.vector import (
    fabs,
    pointer,
    splat,
)

__all__ = ["activity_penalty", "activity_penalty_backward"]


def activity_penalty(work, x, order, penalty, l1, l2):
    lanes = x.shape[4]
    parts = ceil_div(lanes, VW)
    begin, end = split(x.shape[0] * parts, work)
    for item in range(begin, end):
        b, part = item // parts, item % parts * VW
        n, total = lanes - part, splat(0.0)
        for c in range(x.shape[1]):
            plane = splat(0.0)
            for h in range(x.shape[2]):
                p = pointer(x, b, c, h, 0, part)
                for w in range(x.shape[3]):
                    v = load_n(p + w * lanes, n)
                    plane = plane + (fabs(v) * l1 + v * v * l2)
            total = total + plane
        store_n(pointer(penalty, b, part), masked(total, order, b, is_full(order, b), part), n)


def activity_penalty_backward(work, x, order, dx, l1, l2):
    height, channels = x.shape[2], x.shape[1]
    n, share = x.shape[3] * x.shape[4], 1.0 / count_images(order)
    begin, end = split(x.shape[0] * channels * height, work)
    for row in range(begin, end):
        b, c, h = row // height // channels, row // height % channels, row % height
        p, q, full = pointer(x, b, c, h), pointer(dx, b, c, h), is_full(order, b)
        for i in range(0, n, VW):
            v = load_n(p + i, n - i)
            d = (sign(v) * l1 + v * (2.0 * l2)) * share
            store_n(q + i, masked(d, order, b, full, i), n - i)
