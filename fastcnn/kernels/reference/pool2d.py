"""Maximum and average pooling of (B, C, H, W, L); windows are clipped at the image's borders.

Each cell (ky, kx) of the window is a strided view of the padded image, one value for each window.
"""

import numpy as np

from fastcnn.kernels.reference.activation import activation_slope

__all__ = ["avg_pool2d_backward", "avg_pool2d_forward", "max_pool2d_backward", "max_pool2d_forward"]

NO_CELL = 255  # index of a maximum over padding alone


def _padded(x, pooled, fill, window, stride, pad):
    """A copy of x between borders so wide that every window lies inside."""
    axes = zip(pooled, stride, window, pad, x.shape[2:4], strict=True)
    sizes = [max((o - 1) * s + k, p + n) for o, s, k, p, n in axes]
    padded = np.full((*x.shape[:2], *sizes, x.shape[4]), fill, x.dtype)
    _inside(padded, x.shape, pad)[...] = x
    return padded


def _inside(padded, shape, pad):
    return padded[:, :, pad[0] : pad[0] + shape[2], pad[1] : pad[1] + shape[3]]


def _cells(padded, pooled, window, stride):
    """Views (B, C, OH, OW, L) of the window's cells, row by row."""
    (oh, ow), (sh, sw) = pooled, stride
    return [
        padded[:, :, ky : ky + (oh - 1) * sh + 1 : sh, kx : kx + (ow - 1) * sw + 1 : sw]
        for ky in range(window[0])
        for kx in range(window[1])
    ]


def _cells_inside(shape, pooled, window, stride, pad):
    """(OH, OW, 1): how many cells of each window lie in the image."""
    ones = _padded(np.ones((1, 1, *shape[2:4], 1)), pooled, 0, window, stride, pad)
    return sum(_cells(ones, pooled, window, stride))[0, 0]


def _counts(shape, pooled, window, stride, pad, count_padding):
    """(OH, OW, 1) or a number: what the sum over each window is divided by."""
    if count_padding:
        return window[0] * window[1]
    return np.maximum(_cells_inside(shape, pooled, window, stride, pad), 1)


def max_pool2d_forward(x, y, index, *, window_h, window_w, stride_h, stride_w, pad_top, pad_left):
    """y = the maximum of each window, index its place there; 0 and 255 for a window of padding."""
    window, stride, pad = (window_h, window_w), (stride_h, stride_w), (pad_top, pad_left)
    pooled = y.shape[2:4]
    cells = np.stack(
        _cells(_padded(x, pooled, -np.inf, window, stride, pad), pooled, window, stride)
    )
    empty = _cells_inside(x.shape, pooled, window, stride, pad) == 0
    y[...] = np.where(empty, 0, cells.max(axis=0))
    index[...] = np.where(empty, NO_CELL, cells.argmax(axis=0))


def max_pool2d_backward(
    dy,
    index,
    y,
    dx,
    *,
    window_h,
    window_w,
    stride_h,
    stride_w,
    pad_top,
    pad_left,
    activation,
    alpha,
):
    """dx = sum of dy f'(y) of the windows whose maximum was here; f belongs to the layer before."""
    window, stride, pad = (window_h, window_w), (stride_h, stride_w), (pad_top, pad_left)
    if y is not None:
        dy = dy * activation_slope(y, activation, alpha)
    padded = _padded(np.zeros_like(dx), dy.shape[2:4], 0, window, stride, pad)
    for k, cell in enumerate(_cells(padded, dy.shape[2:4], window, stride)):
        cell += np.where(index == k, dy, 0)
    dx[...] = _inside(padded, dx.shape, pad)


def avg_pool2d_forward(
    x, y, *, window_h, window_w, stride_h, stride_w, pad_top, pad_left, count_padding
):
    """y = sum of each window over its size, or (count_padding=0) its cells inside the image."""
    window, stride, pad = (window_h, window_w), (stride_h, stride_w), (pad_top, pad_left)
    padded = _padded(x, y.shape[2:4], 0, window, stride, pad)
    counts = _counts(x.shape, y.shape[2:4], window, stride, pad, count_padding)
    y[...] = sum(_cells(padded, y.shape[2:4], window, stride)) / counts


def avg_pool2d_backward(
    dy,
    y,
    dx,
    *,
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
    """dx = f'(y) sum of dy / count of the windows over this cell; y = f(.) is the pool's input."""
    window, stride, pad = (window_h, window_w), (stride_h, stride_w), (pad_top, pad_left)
    share = dy / _counts(dx.shape, dy.shape[2:4], window, stride, pad, count_padding)
    padded = _padded(np.zeros_like(dx), dy.shape[2:4], 0, window, stride, pad)
    for cell in _cells(padded, dy.shape[2:4], window, stride):
        cell += share
    slope = 1 if y is None else activation_slope(y, activation, alpha)
    dx[...] = _inside(padded, dx.shape, pad) * slope
