"""Normalisation of each pixel over its channels. Lanes without image have dy = 0."""

from fastcnn.kernels.numba_.activation_math import activate
from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.rows import load_n, store_n
from fastcnn.kernels.numba_.share import split
from fastcnn.kernels.numba_.vector import (
    lane_sum,
    pointer,
    splat,
    sqrt,
)

__all__ = ["layer_norm_backward_input", "layer_norm_backward_weight", "layer_norm_forward"]


@helper
def number(values, c, absent):
    """values[c] of an array that may be absent"""
    return float(values[c]) if values.size else absent


@helper
def statistics(p, step, channels, n, epsilon):
    """(mean, 1 / sqrt(var + epsilon)) of the channels, step apart"""
    total, squares = splat(0.0), splat(0.0)
    for c in range(channels):
        total = total + load_n(p + c * step, n)
    mean = total / float(channels)
    for c in range(channels):
        d = load_n(p + c * step, n) - mean
        squares = squares + d * d
    return mean, 1.0 / sqrt(squares / float(channels) + epsilon)


def layer_norm_forward(work, x, gamma, beta, y, mean, inv_std, activation, alpha, epsilon):
    height, channels, n = x.shape[2], x.shape[1], x.shape[3] * x.shape[4]
    step, y_step = x.strides[1] // 4, y.strides[1] // 4
    begin, end = split(x.shape[0] * height, work)
    for row in range(begin, end):
        b, h = row // height, row % height
        p, q = pointer(x, b, 0, h), pointer(y, b, 0, h)
        for i in range(0, n, VW):
            centre, scale = statistics(p + i, step, channels, n - i, epsilon)
            if mean.size:
                store_n(pointer(mean, b, h) + i, centre, n - i)
            if inv_std.size:
                store_n(pointer(inv_std, b, h) + i, scale, n - i)
            for c in range(channels):
                v = (load_n(p + (c * step + i), n - i) - centre) * scale
                v = v * number(gamma, c, 1.0) + number(beta, c, 0.0)
                store_n(q + (c * y_step + i), activate(v, activation, alpha), n - i)


def layer_norm_backward_input(work, dy, x, gamma, mean, inv_std, dx):
    height, channels, n = x.shape[2], x.shape[1], x.shape[3] * x.shape[4]
    steps = dy.strides[1] // 4, x.strides[1] // 4, dx.strides[1] // 4
    begin, end = split(x.shape[0] * height, work)
    for row in range(begin, end):
        b, h = row // height, row % height
        d, p, q = pointer(dy, b, 0, h), pointer(x, b, 0, h), pointer(dx, b, 0, h)
        for i in range(0, n, VW):
            centre = load_n(pointer(mean, b, h) + i, n - i)
            scale = load_n(pointer(inv_std, b, h) + i, n - i)
            plain, weighted = splat(0.0), splat(0.0)
            for c in range(channels):
                g = load_n(d + (c * steps[0] + i), n - i) * number(gamma, c, 1.0)
                xhat = (load_n(p + (c * steps[1] + i), n - i) - centre) * scale
                plain, weighted = plain + g, weighted + g * xhat
            plain, weighted = plain / float(channels), weighted / float(channels)
            for c in range(channels):
                g = load_n(d + (c * steps[0] + i), n - i) * number(gamma, c, 1.0)
                xhat = (load_n(p + (c * steps[1] + i), n - i) - centre) * scale
                store_n(q + (c * steps[2] + i), (g - plain - xhat * weighted) * scale, n - i)


def layer_norm_backward_weight(work, dy, x, mean, inv_std, dgamma, dbeta):
    n = x.shape[3] * x.shape[4]
    begin, end = split(x.shape[1], work)
    for c in range(begin, end):
        plain, weighted = splat(0.0), splat(0.0)
        for b in range(x.shape[0]):
            for h in range(x.shape[2]):
                d, p, one, other = pointer(dy, b, c, h), pointer(x, b, c, h), splat(0.0), splat(0.0)
                m, s = pointer(mean, b, h), pointer(inv_std, b, h)
                for i in range(0, n, VW):
                    g = load_n(d + i, n - i)
                    xhat = (load_n(p + i, n - i) - load_n(m + i, n - i)) * load_n(s + i, n - i)
                    one, other = one + g, other + g * xhat
                plain, weighted = plain + one, weighted + other
        if dgamma.size:
            dgamma[c] = lane_sum(weighted)
        if dbeta.size:
            dbeta[c] = lane_sum(plain)
