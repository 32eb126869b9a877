"""Maximum and average pooling; windows are clipped at the image's borders.

Lanes of a pixel go by in vectors; where there are fewer than VW, part of a vector is empty.
"""

from fastcnn.kernels.numba_ import pool2x2
from fastcnn.kernels.numba_.activation_math import activate_backward
from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.rows import load_n, store_n
from fastcnn.kernels.numba_.share import ceil_div, split
from fastcnn.kernels.numba_.vector import (
    like,
    pointer,
    select,
    splat,
    to_bytes,
    to_int,
)

__all__ = ["avg_pool2d_backward", "avg_pool2d_forward", "max_pool2d_backward", "max_pool2d_forward"]

NO_CELL = 255  # index of a maximum over padding alone
LOWEST = float("-inf")


@helper
def cells(o, size, window, stride, pad):
    """Cells [begin, end) of window o that lie in the image, and the pixel of cell 0."""
    at = o * stride - pad
    return max(0, -at), min(window, size - at), at


@helper
def windows_over(i, windows, window, stride, pad):
    """Windows [begin, end) that pixel i lies in."""
    at = i + pad
    return max(0, ceil_div(at - window + 1, stride)), min(windows, at // stride + 1)


@helper
def largest(p, row_step, lanes, n, rows, columns, window_w):
    """(maximum, its cell) of the cells inside; p: cell (0, 0); the first maximum wins."""
    best, which = splat(LOWEST), to_int(splat(0.0))
    found = which
    for ky in range(rows[0], rows[1]):
        for kx in range(columns[0], columns[1]):
            v = load_n(p + (ky * row_step + kx * lanes), n)
            cell = like(which, ky * window_w + kx)
            # NaN wins over all numbers, as in NumPy's maximum.
            better = (v > best) | ((v != v) & (best == best))
            if ky == rows[0] and kx == columns[0]:
                best, found = v, cell
            else:
                best, found = select(better, v, best), select(better, cell, found)
    return best, found


def max_pool2d_forward(
    work, x, y, index, window_h, window_w, stride_h, stride_w, pad_top, pad_left
):
    if pool2x2.fits(x, y, (window_h, window_w), (stride_h, stride_w), (pad_top, pad_left)):
        pool2x2.forward(work, x, y, index)
        return
    lanes, row_step = x.shape[4], x.strides[2] // 4
    each = y.shape[1] * y.shape[2]
    begin, end = split(y.shape[0] * each, work)
    for row in range(begin, end):
        b, c, oy = row // each, row % each // y.shape[2], row % y.shape[2]
        y0, y1, top = cells(oy, x.shape[2], window_h, stride_h, pad_top)
        p = pointer(x, b, c) + top * row_step
        q, r = pointer(y, b, c, oy), pointer(index, b, c, oy)
        for ox in range(y.shape[3]):
            x0, x1, left = cells(ox, x.shape[3], window_w, stride_w, pad_left)
            for part in range(0, lanes, VW):
                n, to = lanes - part, ox * lanes + part
                if y0 < y1 and x0 < x1:
                    at = p + (left * lanes + part)
                    best, which = largest(at, row_step, lanes, n, (y0, y1), (x0, x1), window_w)
                else:
                    best, which = splat(0.0), to_int(splat(255.0))
                store_n(q + to, best, n)
                store_n(r + to, to_bytes(which), n)


@helper
def chosen(dy, y, index, at, n, cell, activation, alpha):
    """dy f'(y) in the lanes whose window chose this cell, else 0."""
    d, which = load_n(dy + at, n), load_n(index + at, n)
    if activation:
        d = activate_backward(d, load_n(y + at, n), activation, alpha)
    return select(which == cell, d, like(d, 0.0))


def max_pool2d_backward(
    work,
    dy,
    index,
    y,
    dx,
    window_h,
    window_w,
    stride_h,
    stride_w,
    pad_top,
    pad_left,
    activation,
    alpha,
):
    if pool2x2.fits(dx, dy, (window_h, window_w), (stride_h, stride_w), (pad_top, pad_left)):
        pool2x2.backward(work, dy, index, y, dx, activation, alpha)
        return
    lanes = dx.shape[4]
    applied = activation if y.size else 0
    dy_row, y_row, index_row = dy.strides[2] // 4, y.strides[2] // 4, index.strides[2]
    each = dx.shape[1] * dx.shape[2]
    begin, end = split(dx.shape[0] * each, work)
    for row in range(begin, end):
        b, c, iy = row // each, row % each // dx.shape[2], row % dx.shape[2]
        y0, y1 = windows_over(iy, dy.shape[2], window_h, stride_h, pad_top)
        d, s, w = pointer(dy, b, c), pointer(y, b, c), pointer(index, b, c)
        out = pointer(dx, b, c, iy)
        for ix in range(dx.shape[3]):
            x0, x1 = windows_over(ix, dy.shape[3], window_w, stride_w, pad_left)
            for part in range(0, lanes, VW):
                n, total = lanes - part, splat(0.0)
                for oy in range(y0, y1):
                    ky = iy + pad_top - oy * stride_h
                    dyr, yr, wr = d + oy * dy_row, s + oy * y_row, w + oy * index_row
                    for ox in range(x0, x1):
                        cell = ky * window_w + ix + pad_left - ox * stride_w
                        at = ox * lanes + part
                        total = total + chosen(dyr, yr, wr, at, n, cell, applied, alpha)
                store_n(out + (ix * lanes + part), total, n)


@helper
def count_of(rows, columns, window, count_padding):
    if count_padding:
        return window
    return max(1, max(0, rows[1] - rows[0]) * max(0, columns[1] - columns[0]))


def avg_pool2d_forward(
    work, x, y, window_h, window_w, stride_h, stride_w, pad_top, pad_left, count_padding
):
    lanes, row_step = x.shape[4], x.strides[2] // 4
    each = y.shape[1] * y.shape[2]
    begin, end = split(y.shape[0] * each, work)
    for row in range(begin, end):
        b, c, oy = row // each, row % each // y.shape[2], row % y.shape[2]
        y0, y1, top = cells(oy, x.shape[2], window_h, stride_h, pad_top)
        p, q = pointer(x, b, c) + top * row_step, pointer(y, b, c, oy)
        for ox in range(y.shape[3]):
            x0, x1, left = cells(ox, x.shape[3], window_w, stride_w, pad_left)
            share_of = 1.0 / count_of((y0, y1), (x0, x1), window_h * window_w, count_padding)
            for part in range(0, lanes, VW):
                n, total = lanes - part, splat(0.0)
                for ky in range(y0, y1):
                    for kx in range(x0, x1):
                        at = ky * row_step + (left + kx) * lanes + part
                        total = total + load_n(p + at, n)
                store_n(q + (ox * lanes + part), total * share_of, n)


def avg_pool2d_backward(
    work,
    dy,
    y,
    dx,
    window_h,
    window_w,
    stride_h,
    stride_w,
    pad_top,
    pad_left,
    count_padding,
    activation,
    alpha,
):
    lanes, row_step = dx.shape[4], dy.strides[2] // 4
    window = window_h * window_w
    applied = activation if y.size else 0
    each = dx.shape[1] * dx.shape[2]
    begin, end = split(dx.shape[0] * each, work)
    for row in range(begin, end):
        b, c, iy = row // each, row % each // dx.shape[2], row % dx.shape[2]
        y0, y1 = windows_over(iy, dy.shape[2], window_h, stride_h, pad_top)
        d, s, out = pointer(dy, b, c), pointer(y, b, c, iy), pointer(dx, b, c, iy)
        for ix in range(dx.shape[3]):
            x0, x1 = windows_over(ix, dy.shape[3], window_w, stride_w, pad_left)
            for part in range(0, lanes, VW):
                n, total, to = lanes - part, splat(0.0), ix * lanes + part
                for oy in range(y0, y1):
                    ky0, ky1, _ = cells(oy, dx.shape[2], window_h, stride_h, pad_top)
                    for ox in range(x0, x1):
                        kx0, kx1, _ = cells(ox, dx.shape[3], window_w, stride_w, pad_left)
                        count = count_of((ky0, ky1), (kx0, kx1), window, count_padding)
                        v = load_n(d + (oy * row_step + ox * lanes + part), n)
                        total = total + v * (1.0 / count)
                if applied:
                    total = activate_backward(total, load_n(s + to, n), applied, alpha)
                store_n(out + to, total, n)
