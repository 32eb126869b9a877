"""The logarithm of the softmax, over axis K of (B, K, H, W, L)."""

from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.rows import load_n, store_n
from fastcnn.kernels.numba_.share import split
from fastcnn.kernels.numba_.vecmath import exp, log, maximum
from fastcnn.kernels.numba_.vector import (
    pointer,
    splat,
)

__all__ = ["log_softmax_backward", "log_softmax_forward"]


def log_softmax_forward(work, x, y):
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
                total = total + exp(load_n(p + (k * x_step + i), n - i) - top)
            shift = log(total)
            for k in range(x.shape[1]):
                v = load_n(p + (k * x_step + i), n - i) - top - shift
                store_n(q + (k * y_step + i), v, n - i)


def log_softmax_backward(work, dy, y, dx):
    height, n = y.shape[2], y.shape[3] * y.shape[4]
    steps = dy.strides[1] // 4, y.strides[1] // 4, dx.strides[1] // 4
    begin, end = split(y.shape[0] * height, work)
    for row in range(begin, end):
        b, h = row // height, row % height
        d, p, q = pointer(dy, b, 0, h), pointer(y, b, 0, h), pointer(dx, b, 0, h)
        for i in range(0, n, VW):
            total = splat(0.0)
            for k in range(y.shape[1]):
                total = total + load_n(d + (k * steps[0] + i), n - i)
            for k in range(y.shape[1]):
                e = exp(load_n(p + (k * steps[1] + i), n - i))
                v = load_n(d + (k * steps[0] + i), n - i) - e * total
                store_n(q + (k * steps[2] + i), v, n - i)
