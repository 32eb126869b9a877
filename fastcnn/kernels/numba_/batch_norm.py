"""Batch normalisation. A channel belongs to one share: its sums are made in the order of blocks,

rows and vectors, the lanes at the end. Lanes without image (order < 0) take no part and become 0.
"""

from fastcnn.kernels.numba_.activation_math import activate, slope_at
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
def affine(v, mean, scale, shift):
    return (v - mean) * scale + shift


@helper
def write_channel(x, z, y, order, c, mean, scale, shift, activation, alpha):
    """y = f((x - mean) scale + shift + z)"""
    never_inlined()
    n = x.shape[3] * x.shape[4]
    for b in range(x.shape[0]):
        full = is_full(order, b)
        for h in range(x.shape[2]):
            p, q, r = pointer(x, b, c, h), pointer(y, b, c, h), pointer(z, b, c, h)
            for i in range(0, n, VW):
                v = affine(load_n(p + i, n - i), mean, scale, shift)
                if z.size:
                    v = v + load_n(r + i, n - i)
                v = activate(v, activation, alpha)
                store_n(q + i, masked(v, order, b, full, i), n - i)


@helper
def scale_and_shift(gamma, beta, c, inverse):
    return inverse * (gamma[c] if gamma.size else 1.0), beta[c] if beta.size else 0.0


def batch_norm_forward(
    work,
    x,
    gamma,
    beta,
    z,
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
        scale, shift = scale_and_shift(gamma, beta, c, inv_std[c])
        write_channel(x, z, y, order, c, mean[c], scale, shift, activation, alpha)
        if images:
            moving_mean[c] = momentum * moving_mean[c] + (1.0 - momentum) * m
            moving_var[c] = momentum * moving_var[c] + (1.0 - momentum) * var


def batch_norm_inference(
    work, x, gamma, beta, z, moving_mean, moving_var, y, activation, alpha, epsilon
):
    begin, end = split_rows(y, work)
    n = y.shape[3] * y.shape[4]
    for row in range(begin, end):
        c = row // x.shape[2] % x.shape[1]
        scale, shift = scale_and_shift(gamma, beta, c, 1.0 / (moving_var[c] + epsilon) ** 0.5)
        p, q, r = row_at(x, row), row_at(y, row), row_at(z, row)
        for i in range(0, n, VW):
            v = affine(load_n(p + i, n - i), moving_mean[c], scale, shift)
            if z.size:
                v = v + load_n(r + i, n - i)
            store_n(q + i, activate(v, activation, alpha), n - i)


@helper
def sum_gradients(x, dy, order, c, mean, inverse, scale, shift, activation, alpha):
    """(sum of ds, sum of ds xhat) of a channel; ds: dy times the activation's slope."""
    never_inlined()
    n = x.shape[3] * x.shape[4]
    plain, weighted = splat(0.0), splat(0.0)
    for b in range(x.shape[0]):
        full = is_full(order, b)
        for h in range(x.shape[2]):
            p, r = pointer(dy, b, c, h), pointer(x, b, c, h)
            one, other = splat(0.0), splat(0.0)
            for i in range(0, n, VW):
                v = load_n(r + i, n - i)
                d = slope_at(load_n(p + i, n - i), affine(v, mean, scale, shift), activation, alpha)
                d = masked(d, order, b, full, i)
                one = one + d
                other = other + d * ((v - mean) * inverse)
            plain, weighted = plain + one, weighted + other
    return lane_sum(plain), lane_sum(weighted)


@helper
def write_gradients(
    x, dy, order, dx, c, mean, inverse, plain, weighted, scale, shift, activation, alpha
):
    """dx = scale (ds - plain - xhat weighted); plain and weighted are means here."""
    never_inlined()
    n = x.shape[3] * x.shape[4]
    for b in range(x.shape[0]):
        full = is_full(order, b)
        for h in range(x.shape[2]):
            p, r, to = pointer(dy, b, c, h), pointer(x, b, c, h), pointer(dx, b, c, h)
            for i in range(0, n, VW):
                v = load_n(r + i, n - i)
                d = slope_at(load_n(p + i, n - i), affine(v, mean, scale, shift), activation, alpha)
                d = (d - plain - (v - mean) * inverse * weighted) * scale
                store_n(to + i, masked(d, order, b, full, i), n - i)


def batch_norm_backward(
    work, x, dy, gamma, beta, mean, inv_std, order, dx, dgamma, dbeta, activation, alpha
):
    n = max(1, count_images(order[: x.shape[0]]) * x.shape[2] * x.shape[3])
    begin, end = split(x.shape[1], work)
    for c in range(begin, end):
        m, inverse = mean[c], inv_std[c]
        scale, shift = scale_and_shift(gamma, beta, c, inverse)
        act = (activation, alpha)
        plain, weighted = sum_gradients(x, dy, order, c, m, inverse, scale, shift, *act)
        if dgamma.size:
            dgamma[c] = weighted
        if dbeta.size:
            dbeta[c] = plain
        means = (plain / n, weighted / n)
        write_gradients(x, dy, order, dx, c, m, inverse, *means, scale, shift, *act)
