"""Local response normalisation, across channels: d = k + alpha / size (sum of x^2 around)."""

from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.rows import load_n, store_n
from fastcnn.kernels.numba_.share import split
from fastcnn.kernels.numba_.vecmath import exp, log
from fastcnn.kernels.numba_.vector import (
    pointer,
    splat,
)

__all__ = ["lrn_backward", "lrn_forward"]


@helper
def around(c, size, channels):
    return max(0, c - size // 2), min(channels, c + size // 2 + 1)


@helper
def divisor(p, step, c, channels, n, constants):
    """d of channel c; p: the vector of channel 0"""
    size, alpha, k = constants
    first, last = around(c, size, channels)
    total = splat(0.0)
    for other in range(first, last):
        v = load_n(p + other * step, n)
        total = total + v * v
    return total * (alpha / size) + k


def lrn_forward(work, x, y, size, alpha, beta, k):
    height, channels, n = x.shape[2], x.shape[1], x.shape[3] * x.shape[4]
    step, y_step = x.strides[1] // 4, y.strides[1] // 4
    begin, end = split(x.shape[0] * height, work)
    for row in range(begin, end):
        p, q = (
            pointer(x, row // height, 0, row % height),
            pointer(y, row // height, 0, row % height),
        )
        for i in range(0, n, VW):
            for c in range(channels):
                d = divisor(p + i, step, c, channels, n - i, (size, alpha, k))
                v = load_n(p + (c * step + i), n - i) * exp(log(d) * -beta)
                store_n(q + (c * y_step + i), v, n - i)


def lrn_backward(work, x, dy, dx, size, alpha, beta, k):
    height, channels, n = x.shape[2], x.shape[1], x.shape[3] * x.shape[4]
    step, dy_step, dx_step = x.strides[1] // 4, dy.strides[1] // 4, dx.strides[1] // 4
    factor = 2.0 * alpha / size * beta
    begin, end = split(x.shape[0] * height, work)
    for row in range(begin, end):
        b, h = row // height, row % height
        p, q, r = pointer(x, b, 0, h), pointer(dy, b, 0, h), pointer(dx, b, 0, h)
        for i in range(0, n, VW):
            for c in range(channels):
                first, last = around(c, size, channels)
                others = splat(0.0)
                for other in range(first, last):
                    d = divisor(p + i, step, other, channels, n - i, (size, alpha, k))
                    product = load_n(p + (other * step + i), n - i)
                    product = product * load_n(q + (other * dy_step + i), n - i)
                    others = others + product * exp(log(d) * (-beta - 1.0))
                d = divisor(p + i, step, c, channels, n - i, (size, alpha, k))
                own = load_n(q + (c * dy_step + i), n - i) * exp(log(d) * -beta)
                v = own - load_n(p + (c * step + i), n - i) * others * factor
                store_n(r + (c * dx_step + i), v, n - i)
