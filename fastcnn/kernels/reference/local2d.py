"""Convolution with weights of its own for each output pixel (i, j), one tap at a time.

x holds its zero border: y[k, i, j] = act(b[k, i, j] + sum over c, u, v of
                                          w[i, j, k, c, u, v] x[c, i stride + u, j stride + v])
"""

import numpy as np

from fastcnn.kernels.reference.activation import activate, activation_slope
from fastcnn.kernels.reference.conv2d import tap

__all__ = ["local2d_backward_input", "local2d_backward_weight", "local2d_forward"]


def local2d_forward(x, w, b, y, *, stride_h, stride_w, activation, alpha):
    out = np.zeros_like(y)
    for u, v in np.ndindex(w.shape[4:]):
        part = tap(x, u, v, y.shape[2:4], (stride_h, stride_w), (1, 1))
        out += np.einsum("bcijl,ijkc->bkijl", part, w[..., u, v])
    if b is not None:
        out += b[..., None]
    y[...] = activate(out, activation, alpha)


def local2d_backward_input(
    dy, w, y, dx, *, stride_h, stride_w, pad_top, pad_left, activation, alpha
):
    """dx[c] = sum of dy w of the output pixels that read it; times act'(y) if y is given."""
    stride, (rows, columns), (height, width) = (stride_h, stride_w), dy.shape[2:4], dx.shape[2:4]
    reach = [(n - 1) * s + k for n, s, k in zip(dy.shape[2:4], stride, w.shape[4:], strict=True)]
    size = max(reach[0], pad_top + height), max(reach[1], pad_left + width)
    full = np.zeros((*dx.shape[:2], *size, dx.shape[4]), dx.dtype)
    for u, v in np.ndindex(w.shape[4:]):
        part = tap(full, u, v, (rows, columns), stride, (1, 1))
        part += np.einsum("bkijl,ijkc->bcijl", dy, w[..., u, v])
    dx[...] = full[:, :, pad_top : pad_top + height, pad_left : pad_left + width]
    if y is not None:
        dx *= activation_slope(y, activation, alpha)


def local2d_backward_weight(x, dy, dw, db, *, stride_h, stride_w):
    """dw = sum over images of dy times the pixel of x that the tap meets; db = sum of dy."""
    for u, v in np.ndindex(dw.shape[4:]):
        part = tap(x, u, v, dy.shape[2:4], (stride_h, stride_w), (1, 1))
        dw[..., u, v] = np.einsum("bcijl,bkijl->ijkc", part, dy)
    if db is not None:
        db[...] = dy.sum(axis=(0, 4))
