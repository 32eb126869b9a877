"""Convolution with weights of its own for each output pixel (i, j), w (i, j, k, c, u, v).

A share's output pixels go over all blocks, so that their weights are read once from memory.
"""

from fastcnn.kernels.numba_.activation_math import LINEAR, activate, activate_backward
from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.helper import chain, helper, scratch
from fastcnn.kernels.numba_.machine import never_inlined
from fastcnn.kernels.numba_.rows import load_n, store_n
from fastcnn.kernels.numba_.share import split
from fastcnn.kernels.numba_.tile import outer, splats, store_parts
from fastcnn.kernels.numba_.vector import (
    fma,
    lane_sum,
    pointer,
    splat,
)

__all__ = ["local2d_backward_input", "local2d_backward_weight", "local2d_forward"]

OUTS = 8  # output channels that are made together


def make_tile(outs):
    """Function that makes `outs` output channels of n lanes of a pixel.

    size: (channels, rows, columns) of the weights, which lie side by side; steps: of x likewise."""

    @helper
    def tile(x, w, bias, bias_step, size, steps, out, out_step, n):
        never_inlined()
        each = size[0] * size[1] * size[2]
        sums = splats(bias, bias_step, outs)
        for c in range(size[0]):
            for u in range(size[1]):
                for v in range(size[2]):
                    at = x + (c * steps[0] + u * steps[1] + v * steps[2])
                    sums = outer(sums, splats(w, each, outs), (load_n(at, n),))
                    w = w + 1
        store_parts(out, out_step, sums, n)

    return tile


run_tile = chain([make_tile(outs) for outs in (1, OUTS)])


@helper
def finish(out, out_step, outs, n, activation, alpha):
    never_inlined()
    for k in range(outs):
        at = out + k * out_step
        store_n(at, activate(load_n(at, n), activation, alpha), n)


@scratch(lambda arrays, params: 1)
def local2d_forward(work, x, w, b, y, stride_h, stride_w, activation, alpha):
    width, outs, lanes = y.shape[3], y.shape[1], x.shape[4]
    size = (w.shape[3], w.shape[4], w.shape[5])
    steps = (x.strides[1] // 4, x.strides[2] // 4, lanes)
    bias_step, out_step = (y.shape[2] * width if b.size else 0), y.strides[1] // 4
    work.scratch[0] = 0.0  # the bias where there is none
    begin, end = split(y.shape[2] * width, work)
    for pixel in range(begin, end):
        i, j = pixel // width, pixel % width
        for block in range(y.shape[0]):
            for part in range(0, lanes, VW):
                n, k = min(VW, lanes - part), 0
                p = pointer(x, block, 0, i * stride_h, j * stride_w, part)
                while k < outs:
                    whole = outs - k >= OUTS
                    out = pointer(y, block, k, i, j, part)
                    bias = pointer(b, k, i, j) if b.size else pointer(work.scratch, 0)
                    place = (p, pointer(w, i, j, k), bias, bias_step, size, steps)
                    run_tile(1 if whole else 0, (*place, out, out_step, n))
                    if activation != LINEAR:
                        finish(out, out_step, OUTS if whole else 1, n, activation, alpha)
                    k += OUTS if whole else 1


@helper
def windows_over(at, count, kernel, stride):
    """Output pixels [begin, end) whose windows hold padded pixel `at`."""
    return max(0, -((kernel - 1 - at) // stride)), min(count, at // stride + 1)


def local2d_backward_input(
    work, dy, w, y, dx, stride_h, stride_w, pad_top, pad_left, activation, alpha
):
    lanes, channels, width = dx.shape[4], dx.shape[1], dx.shape[3]
    applied = activation if y.size else LINEAR
    dy_step, w_step = dy.strides[1] // 4, w.strides[2] // 4
    begin, end = split(dx.shape[2] * width, work)
    for pixel in range(begin, end):
        h, v = pixel // width + pad_top, pixel % width + pad_left
        rows = windows_over(h, dy.shape[2], w.shape[4], stride_h)
        columns = windows_over(v, dy.shape[3], w.shape[5], stride_w)
        for b in range(dx.shape[0]):
            for c in range(channels):
                for part in range(0, lanes, VW):
                    n, total = lanes - part, splat(0.0)
                    for i in range(rows[0], rows[1]):
                        for j in range(columns[0], columns[1]):
                            d = pointer(dy, b, 0, i, j, part)
                            q = pointer(w, i, j, 0, c, h - i * stride_h, v - j * stride_w)
                            for k in range(dy.shape[1]):
                                at = load_n(d + k * dy_step, n)
                                total = fma(at, splat(q[k * w_step]), total)
                    place = (b, c, h - pad_top, v - pad_left, part)
                    if applied != LINEAR:
                        out = load_n(pointer(y, *place), n)
                        total = activate_backward(total, out, applied, alpha)
                    store_n(pointer(dx, *place), total, n)


def local2d_backward_weight(work, x, dy, dw, db, stride_h, stride_w):
    lanes, width = x.shape[4], dy.shape[3]
    begin, end = split(dy.shape[2] * width, work)
    for pixel in range(begin, end):
        i, j = pixel // width, pixel % width
        for k in range(dy.shape[1]):
            for c in range(x.shape[1]):
                for u in range(dw.shape[4]):
                    for v in range(dw.shape[5]):
                        at = (c, i * stride_h + u, j * stride_w + v)
                        dw[i, j, k, c, u, v] = sum_products(x, dy, at, (k, i, j), lanes)
            if db.size:
                db[k, i, j] = sum_pixel(dy, (k, i, j), lanes)


@helper
def sum_products(x, dy, at, out, lanes):
    total = splat(0.0)
    for b in range(x.shape[0]):
        p = pointer(x, b, at[0], at[1], at[2])
        q = pointer(dy, b, out[0], out[1], out[2])
        for part in range(0, lanes, VW):
            n = lanes - part
            total = fma(load_n(p + part, n), load_n(q + part, n), total)
    return lane_sum(total)


@helper
def sum_pixel(dy, out, lanes):
    total = splat(0.0)
    for b in range(dy.shape[0]):
        q = pointer(dy, b, out[0], out[1], out[2])
        for part in range(0, lanes, VW):
            total = total + load_n(q + part, lanes - part)
    return lane_sum(total)
