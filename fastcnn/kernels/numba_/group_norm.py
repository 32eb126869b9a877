"""Normalisation of each image over groups of its channels. Lanes without image have dy = 0.

Each lane has statistics of its own, so vectors are the lanes of one pixel.
"""

from fastcnn.kernels.numba_.activation_math import activate
from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.layer_norm import number
from fastcnn.kernels.numba_.machine import never_inlined
from fastcnn.kernels.numba_.rows import load_n, store_n
from fastcnn.kernels.numba_.share import ceil_div, split
from fastcnn.kernels.numba_.vector import (
    lane_sum,
    pointer,
    splat,
    sqrt,
)

__all__ = ["group_norm_backward_input", "group_norm_backward_weight", "group_norm_forward"]


@helper
def sum_group(x, b, first, each, part, n, centre, squared):
    """Sum of x - centre over the pixels of channels [first, first + each), or of its squares."""
    never_inlined()
    lanes, total = x.shape[4], splat(0.0)
    for c in range(first, first + each):
        for h in range(x.shape[2]):
            p, row = pointer(x, b, c, h, 0, part), splat(0.0)
            for w in range(x.shape[3]):
                d = load_n(p + w * lanes, n) - centre
                row = row + (d * d if squared else d)
            total = total + row
    return total


def group_norm_forward(work, x, gamma, beta, y, mean, inv_std, groups, activation, alpha, epsilon):
    lanes, each = x.shape[4], x.shape[1] // groups
    parts, count = ceil_div(lanes, VW), each * x.shape[2] * x.shape[3]
    begin, end = split(x.shape[0] * groups * parts, work)
    for item in range(begin, end):
        b, g, part = item // parts // groups, item // parts % groups, item % parts * VW
        n, first = lanes - part, g * each
        centre = sum_group(x, b, first, each, part, n, splat(0.0), False) / float(count)
        var = sum_group(x, b, first, each, part, n, centre, True) / float(count)
        scale = 1.0 / sqrt(var + epsilon)
        if mean.size:
            store_n(pointer(mean, b, g, part), centre, n)
        if inv_std.size:
            store_n(pointer(inv_std, b, g, part), scale, n)
        for c in range(first, first + each):
            for h in range(x.shape[2]):
                p, q = pointer(x, b, c, h, 0, part), pointer(y, b, c, h, 0, part)
                for w in range(x.shape[3]):
                    v = (load_n(p + w * lanes, n) - centre) * scale
                    v = v * number(gamma, c, 1.0) + number(beta, c, 0.0)
                    store_n(q + w * lanes, activate(v, activation, alpha), n)


@helper
def sum_group_gradients(dy, x, gamma, b, first, each, part, n, centre, scale):
    """(sum of g, sum of g xhat), g = gamma dy"""
    never_inlined()
    lanes, plain, weighted = x.shape[4], splat(0.0), splat(0.0)
    for c in range(first, first + each):
        factor = number(gamma, c, 1.0)
        for h in range(x.shape[2]):
            p, d = pointer(x, b, c, h, 0, part), pointer(dy, b, c, h, 0, part)
            one, other = splat(0.0), splat(0.0)
            for w in range(x.shape[3]):
                g = load_n(d + w * lanes, n) * factor
                one = one + g
                other = other + g * ((load_n(p + w * lanes, n) - centre) * scale)
            plain, weighted = plain + one, weighted + other
    return plain, weighted


def group_norm_backward_input(work, dy, x, gamma, mean, inv_std, dx, groups):
    lanes, each = x.shape[4], x.shape[1] // groups
    parts, count = ceil_div(lanes, VW), each * x.shape[2] * x.shape[3]
    begin, end = split(x.shape[0] * groups * parts, work)
    for item in range(begin, end):
        b, g, part = item // parts // groups, item // parts % groups, item % parts * VW
        n, first = lanes - part, g * each
        centre = load_n(pointer(mean, b, g, part), n)
        scale = load_n(pointer(inv_std, b, g, part), n)
        sums = sum_group_gradients(dy, x, gamma, b, first, each, part, n, centre, scale)
        plain, weighted = sums[0] / float(count), sums[1] / float(count)
        for c in range(first, first + each):
            for h in range(x.shape[2]):
                p, d = pointer(x, b, c, h, 0, part), pointer(dy, b, c, h, 0, part)
                q = pointer(dx, b, c, h, 0, part)
                for w in range(x.shape[3]):
                    v = load_n(d + w * lanes, n) * number(gamma, c, 1.0)
                    xhat = (load_n(p + w * lanes, n) - centre) * scale
                    store_n(q + w * lanes, (v - plain - xhat * weighted) * scale, n)


def group_norm_backward_weight(work, dy, x, mean, inv_std, dgamma, dbeta, groups):
    lanes, each = x.shape[4], x.shape[1] // groups
    begin, end = split(x.shape[1], work)
    for c in range(begin, end):
        plain, weighted = splat(0.0), splat(0.0)
        for b in range(x.shape[0]):
            for part in range(0, lanes, VW):
                n = lanes - part
                centre = load_n(pointer(mean, b, c // each, part), n)
                scale = load_n(pointer(inv_std, b, c // each, part), n)
                sums = sum_group_gradients(dy, x, mean[:0, 0, 0], b, c, 1, part, n, centre, scale)
                plain, weighted = plain + sums[0], weighted + sums[1]
        if dgamma.size:
            dgamma[c] = lane_sum(weighted)
        if dbeta.size:
            dbeta[c] = lane_sum(plain)
