"""The largest of neighbouring channels."""

from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.rows import load_n, store_n
from fastcnn.kernels.numba_.share import split
from fastcnn.kernels.numba_.vector import (
    like,
    pointer,
    select,
    splat,
    to_bytes,
    to_int,
)

__all__ = ["maxout_backward", "maxout_forward"]


def maxout_forward(work, x, y, index, pool):
    height, channels, n = y.shape[2], y.shape[1], y.shape[3] * y.shape[4]
    step, zero = x.strides[1] // 4, to_int(splat(0.0))
    begin, end = split(y.shape[0] * channels * height, work)
    for row in range(begin, end):
        b, c, h = row // height // channels, row // height % channels, row % height
        p, q, r = pointer(x, b, c * pool, h), pointer(y, b, c, h), pointer(index, b, c, h)
        for i in range(0, n, VW):
            best, which = load_n(p + i, n - i), zero
            for j in range(1, pool):
                v = load_n(p + (j * step + i), n - i)
                best, which = select(v > best, v, best), select(v > best, zero + j, which)
            store_n(q + i, best, n - i)
            if index.size:
                store_n(r + i, to_bytes(which), n - i)


def maxout_backward(work, dy, index, dx, pool):
    height, channels, n = dy.shape[2], dy.shape[1], dy.shape[3] * dy.shape[4]
    step = dx.strides[1] // 4
    begin, end = split(dy.shape[0] * channels * height, work)
    for row in range(begin, end):
        b, c, h = row // height // channels, row // height % channels, row % height
        p, q, r = pointer(dy, b, c, h), pointer(dx, b, c * pool, h), pointer(index, b, c, h)
        for i in range(0, n, VW):
            d, which = load_n(p + i, n - i), load_n(r + i, n - i)
            for j in range(pool):
                store_n(q + (j * step + i), select(which == j, d, like(d, 0.0)), n - i)
