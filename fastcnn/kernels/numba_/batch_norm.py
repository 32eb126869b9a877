"""Batch normalisation. A channel belongs to one share: its sums are made in the order of blocks,

rows and vectors, the lanes at the end. Lanes without image (order < 0) take no part and become 0.
"""

from fastcnn.kernels.numba_.activation_math import activate, activate_backward
from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.machine import never_inlined
from fastcnn.kernels.numba_.rows import load_n, row_at, split_rows, store_n
from fastcnn.kernels.numba_.share import split
from fastcnn.kernels.numba_.vector import (
    bits_mask,
    lane_sum,
    like,
    pointer,
    select,
    splat,
)

__all__ = ["batch_norm_backward", "batch_norm_forward", "batch_norm_inference"]


@helper
def valid_bits(order, block, i):
    """Bit k: element i + k of a row, whose lanes are those of `order`, has an image."""
    lanes, bits = order.shape[1], 0
    for k in range(VW):
        if order[block, (i + k) % lanes] >= 0:
            bits |= 1 << k
    return bits


@helper
def count_images(order):
    count = 0
    for block in range(order.shape[0]):
        for lane in range(order.shape[1]):
            count += 1 if order[block, lane] >= 0 else 0
    return count


@helper
def is_full(order, block):
    absent = 0
    for lane in range(order.shape[1]):
        absent += 1 if order[block, lane] < 0 else 0
    return absent == 0


@helper
def masked(v, order, block, full, i):
    """v where its lanes have images, else 0."""
    if full:
        return v
    return select(bits_mask(valid_bits(order, block, i)), v, like(v, 0.0))


@helper
def sum_channel(x, order, c, centre, squared):
    """Sum of (x - centre) of a channel, or of its squares, over lanes with an image."""
    never_inlined()
    n, total = x.shape[3] * x.shape[4], splat(0.0)
    for b in range(x.shape[0]):
        full = is_full(order, b)
        for h in range(x.shape[2]):
            p, row = pointer(x, b, c, h), splat(0.0)
            for i in range(0, n, VW):
                d = load_n(p + i, n - i) - centre
                d = masked(d * d if squared else d, order, b, full, i)
                if n - i < VW:
                    d = select(bits_mask((1 << (n - i)) - 1), d, splat(0.0))
                row = row + d
            total = total + row
    return lane_sum(total)


@helper
def write_channel(x, y, order, c, mean, scale, shift, activation, alpha):
    """y = f((x - mean) scale + shift)"""
    never_inlined()
    n = x.shape[3] * x.shape[4]
    for b in range(x.shape[0]):
        full = is_full(order, b)
        for h in range(x.shape[2]):
            p, q = pointer(x, b, c, h), pointer(y, b, c, h)
            for i in range(0, n, VW):
                v = (load_n(p + i, n - i) - mean) * scale + shift
                v = activate(v, activation, alpha)
                store_n(q + i, masked(v, order, b, full, i), n - i)


def batch_norm_forward(
    work,
    x,
    gamma,
    beta,
    order,
    y,
    mean,
    inv_std,
    moving_mean,
    moving_var,
    activation,
    alpha,
    epsilon,
    momentum,
):
    images = count_images(order[: x.shape[0]])
    n = max(1, images * x.shape[2] * x.shape[3])
    begin, end = split(x.shape[1], work)
    for c in range(begin, end):
        m = sum_channel(x, order, c, 0.0, False) / n
        var = sum_channel(x, order, c, m, True) / n
        inverse = 1.0 / (var + epsilon) ** 0.5
        mean[c], inv_std[c] = m, inverse
        scale = inverse * (gamma[c] if gamma.size else 1.0)
        shift = beta[c] if beta.size else 0.0
        write_channel(x, y, order, c, m, scale, shift, activation, alpha)
        if images:
            moving_mean[c] = momentum * moving_mean[c] + (1.0 - momentum) * m
            moving_var[c] = momentum * moving_var[c] + (1.0 - momentum) * var


def batch_norm_inference(
    work, x, gamma, beta, moving_mean, moving_var, y, activation, alpha, epsilon
):
    begin, end = split_rows(y, work)
    n = y.shape[3] * y.shape[4]
    for row in range(begin, end):
        c = row // x.shape[2] % x.shape[1]
        scale = 1.0 / (moving_var[c] + epsilon) ** 0.5 * (gamma[c] if gamma.size else 1.0)
        shift = beta[c] if beta.size else 0.0
        p, q = row_at(x, row), row_at(y, row)
        for i in range(0, n, VW):
            v = (load_n(p + i, n - i) - moving_mean[c]) * scale + shift
            store_n(q + i, activate(v, activation, alpha), n - i)


@helper
def slope_of(p, q, has_y, i, n, activation, alpha):
    """dy f'(y) at i of a row"""
    d = load_n(p + i, n - i)
    if has_y:
        d = activate_backward(d, load_n(q + i, n - i), activation, alpha)
    return d


@helper
def sum_gradients(x, dy, y, order, c, mean, inverse, activation, alpha):
    """(sum of dy, sum of dy xhat) of a channel; dy times f'(y) where y is given."""
    never_inlined()
    n = x.shape[3] * x.shape[4]
    plain, weighted = splat(0.0), splat(0.0)
    for b in range(x.shape[0]):
        full = is_full(order, b)
        for h in range(x.shape[2]):
            p, q = pointer(dy, b, c, h), pointer(y, b, c, h)
            r, one, other = pointer(x, b, c, h), splat(0.0), splat(0.0)
            for i in range(0, n, VW):
                d = masked(slope_of(p, q, y.size > 0, i, n, activation, alpha), order, b, full, i)
                one = one + d
                other = other + d * ((load_n(r + i, n - i) - mean) * inverse)
            plain, weighted = plain + one, weighted + other
    return lane_sum(plain), lane_sum(weighted)


@helper
def write_gradients(x, dy, y, order, dx, c, mean, inverse, plain, weighted, scale, act, alpha):
    """dx = scale (dy - plain - xhat weighted); plain and weighted are means here."""
    never_inlined()
    n = x.shape[3] * x.shape[4]
    for b in range(x.shape[0]):
        full = is_full(order, b)
        for h in range(x.shape[2]):
            p, q = pointer(dy, b, c, h), pointer(y, b, c, h)
            r, to = pointer(x, b, c, h), pointer(dx, b, c, h)
            for i in range(0, n, VW):
                d = slope_of(p, q, y.size > 0, i, n, act, alpha)
                normal = (load_n(r + i, n - i) - mean) * inverse
                d = (d - plain - normal * weighted) * scale
                store_n(to + i, masked(d, order, b, full, i), n - i)


def batch_norm_backward(
    work, x, dy, y, gamma, mean, inv_std, order, dx, dgamma, dbeta, activation, alpha
):
    n = max(1, count_images(order[: x.shape[0]]) * x.shape[2] * x.shape[3])
    begin, end = split(x.shape[1], work)
    for c in range(begin, end):
        m, inverse = mean[c], inv_std[c]
        plain, weighted = sum_gradients(x, dy, y, order, c, m, inverse, activation, alpha)
        if dgamma.size:
            dgamma[c] = weighted
        if dbeta.size:
            dbeta[c] = plain
        scale = inverse * (gamma[c] if gamma.size else 1.0)
        means = (plain / n, weighted / n, scale, activation, alpha)
        write_gradients(x, dy, y, order, dx, c, m, inverse, *means)
