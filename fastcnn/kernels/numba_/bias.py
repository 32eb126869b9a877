"""One number added to each pixel of a channel."""

from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.rows import load_n
from fastcnn.kernels.numba_.share import split
from fastcnn.kernels.numba_.vector import (
    lane_sum,
    pointer,
    splat,
)

__all__ = ["bias_backward"]


def bias_backward(work, dy, db):
    n = dy.shape[3] * dy.shape[4]
    begin, end = split(dy.shape[1], work)
    for c in range(begin, end):
        total = splat(0.0)
        for b in range(dy.shape[0]):
            for h in range(dy.shape[2]):
                p, row = pointer(dy, b, c, h), splat(0.0)
                for i in range(0, n, VW):
                    row = row + load_n(p + i, n - i)
                total = total + row
        db[c] = lane_sum(total)
