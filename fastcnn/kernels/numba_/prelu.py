"""Rectifier with learned slopes; an axis of the slopes that is 1 is shared."""

from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.rows import load_n, store_n
from fastcnn.kernels.numba_.share import split
from fastcnn.kernels.numba_.vector import (
    lane_sum,
    like,
    pointer,
    select,
    splat,
)

__all__ = ["prelu_backward_input", "prelu_backward_weight", "prelu_forward"]


@helper
def slope_at(alpha, c, h, w):
    return alpha[
        c if alpha.shape[0] > 1 else 0,
        h if alpha.shape[1] > 1 else 0,
        w if alpha.shape[2] > 1 else 0,
    ]


@helper
def scale_negative(work, x, values, alpha, out):
    """out = values where x > 0, else alpha values"""
    height, channels, lanes = x.shape[2], x.shape[1], x.shape[4]
    begin, end = split(x.shape[0] * channels * height, work)
    for row in range(begin, end):
        b, c, h = row // height // channels, row // height % channels, row % height
        p, q, r = pointer(x, b, c, h), pointer(values, b, c, h), pointer(out, b, c, h)
        for w in range(x.shape[3]):
            slope = slope_at(alpha, c, h, w)
            for i in range(w * lanes, (w + 1) * lanes, VW):
                n = (w + 1) * lanes - i
                v = load_n(q + i, n)
                store_n(r + i, select(load_n(p + i, n) > 0.0, v, v * slope), n)


def prelu_forward(work, x, alpha, y):
    scale_negative(work, x, x, alpha, y)


def prelu_backward_input(work, dy, x, alpha, dx):
    scale_negative(work, x, dy, alpha, dx)


@helper
def sum_negative(dy, x, channels, rows, columns):
    """Sum of dy x where x <= 0, over all images and these ranges of pixels."""
    lanes, total = x.shape[4], splat(0.0)
    for b in range(x.shape[0]):
        for c in range(channels[0], channels[1]):
            for h in range(rows[0], rows[1]):
                p, q, part = pointer(x, b, c, h), pointer(dy, b, c, h), splat(0.0)
                for i in range(columns[0] * lanes, columns[1] * lanes, VW):
                    n = columns[1] * lanes - i
                    v = load_n(p + i, n)
                    part = part + select(v > 0.0, like(v, 0.0), v * load_n(q + i, n))
                total = total + part
    return lane_sum(total)


@helper
def places(shared, k, size):
    """[begin, end) of an axis that slope k stands for"""
    return (0, size) if shared else (k, k + 1)


def prelu_backward_weight(work, dy, x, dalpha):
    height, width = dalpha.shape[1], dalpha.shape[2]
    begin, end = split(dalpha.size, work)
    for k in range(begin, end):
        c, h, w = k // width // height, k // width % height, k % width
        channels = places(dalpha.shape[0] == 1, c, x.shape[1])
        rows = places(dalpha.shape[1] == 1, h, x.shape[2])
        columns = places(dalpha.shape[2] == 1, w, x.shape[3])
        dalpha[c, h, w] = sum_negative(dy, x, channels, rows, columns)
