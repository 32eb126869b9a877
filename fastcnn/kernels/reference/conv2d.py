"""2-d convolutions (cross-correlations, as everywhere in deep learning), one tap at a time.

x holds its zero border, so that every convolution is a "valid" one:
y[k, i, j] = act(b[k] + sum over c, ky, kx of
                        w[k, c, ky, kx] x[c, i stride + ky dilation, j stride + kx dilation])

In bf16 both factors of all products are rounded before.
"""

from functools import wraps

import numpy as np

from fastcnn.kernels.reference.activation import activate, activation_slope
from fastcnn.kernels.reference.bf16 import round_bf16

__all__ = [
    "conv2d_backward_input",
    "conv2d_backward_weight",
    "conv2d_bf16_backward_input",
    "conv2d_bf16_backward_weight",
    "conv2d_bf16_forward",
    "conv2d_forward",
    "conv2d_max_pool_backward_weight",
    "conv2d_max_pool_forward",
    "conv2d_single_max_pool_forward",
    "conv2d_transpose_forward",
]


def grouped(x, groups):
    """(B, C, ...) as (B, groups, C / groups, ...)"""
    return x.reshape(x.shape[0], groups, -1, *x.shape[2:])


def tap(x, ky, kx, size, stride, dilation):
    """The pixels of x that tap (ky, kx) meets, for `size` output pixels."""
    y0, x0 = ky * dilation[0], kx * dilation[1]
    rows = slice(y0, y0 + (size[0] - 1) * stride[0] + 1, stride[0])
    cols = slice(x0, x0 + (size[1] - 1) * stride[1] + 1, stride[1])
    return x[..., rows, cols, :]


def convolve(x, w, size, stride, dilation, groups):
    w = w.reshape(groups, -1, *w.shape[1:])
    y = np.zeros((x.shape[0], groups, w.shape[1], *size, x.shape[-1]), x.dtype)
    for ky, kx in np.ndindex(w.shape[-2:]):
        part = tap(grouped(x, groups), ky, kx, size, stride, dilation)
        y += np.einsum("bgcijl,gkc->bgkijl", part, w[..., ky, kx])
    return y.reshape(y.shape[0], -1, *y.shape[3:])


def conv2d_forward(
    x,
    w,
    b,
    y,
    *,
    stride_h,
    stride_w,
    dilation_h,
    dilation_w,
    groups,
    activation,
    zero_top,
    zero_bottom,
    alpha,
):
    """y = act(x * w + b). zero_top and zero_bottom only save time."""
    out = convolve(x, w, y.shape[2:4], (stride_h, stride_w), (dilation_h, dilation_w), groups)
    if b is not None:
        out += b[:, None, None, None]
    y[...] = activate(out, activation, alpha)


def windows(x):
    """2x2 windows without a last odd row or column: (B, C, 4, H/2, W/2, L), as `index` counts."""
    h, w = x.shape[2] // 2 * 2, x.shape[3] // 2 * 2
    return np.stack([x[:, :, dy:h:2, dx:w:2] for dy in (0, 1) for dx in (0, 1)], axis=2)


def conv2d_max_pool_forward(
    x,
    w,
    b,
    y,
    index,
    *,
    stride_h,
    stride_w,
    dilation_h,
    dilation_w,
    groups,
    activation,
    zero_top,
    zero_bottom,
    alpha,
):
    """y = act(max over 2x2 windows of (x * w + b)); index = 2 dy + dx of the first maximum."""
    size = 2 * y.shape[2], 2 * y.shape[3]
    out = convolve(x, w, size, (stride_h, stride_w), (dilation_h, dilation_w), groups)
    if b is not None:
        out += b[:, None, None, None]
    if index is not None:
        index[...] = windows(out).argmax(axis=2)
    y[...] = activate(windows(out).max(axis=2), activation, alpha)


def conv2d_single_max_pool_forward(
    x,
    w,
    b,
    y,
    *,
    stride_h,
    stride_w,
    dilation_h,
    dilation_w,
    groups,
    activation,
    zero_top,
    zero_bottom,
    alpha,
):
    """y = act(max over 2x2 windows of (x * w + b))"""
    conv2d_max_pool_forward(
        x,
        w,
        b,
        y,
        None,
        stride_h=stride_h,
        stride_w=stride_w,
        dilation_h=dilation_h,
        dilation_w=dilation_w,
        groups=groups,
        activation=activation,
        zero_top=zero_top,
        zero_bottom=zero_bottom,
        alpha=alpha,
    )


def conv2d_backward_input(
    dy,
    w,
    y,
    dx,
    *,
    stride_h,
    stride_w,
    dilation_h,
    dilation_w,
    groups,
    pad_top,
    pad_left,
    halo_top,
    halo_left,
    halo_bottom,
    activation,
    alpha,
):
    """dx[i] = sum of dy[o] w[k], i + pad = stride o + dilation k; times act'(y) if y is given."""
    inner = grouped(dy[:, :, halo_top:, halo_left:], groups)
    w = w.reshape(groups, -1, *w.shape[1:])
    size, kernel = inner.shape[3:5], w.shape[-2:]
    stride, dilation = (stride_h, stride_w), (dilation_h, dilation_w)
    reach = [
        (n - 1) * s + (k - 1) * d + 1
        for n, s, k, d in zip(size, stride, kernel, dilation, strict=True)
    ]
    full = np.zeros(
        (
            *inner.shape[:2],
            w.shape[2],
            max(reach[0], pad_top + dx.shape[2]),
            max(reach[1], pad_left + dx.shape[3]),
            dx.shape[4],
        ),
        dx.dtype,
    )
    for ky, kx in np.ndindex(kernel):
        part = tap(full, ky, kx, size, stride, dilation)
        part += np.einsum("bgkijl,gkc->bgcijl", inner, w[..., ky, kx])
    full = full.reshape(full.shape[0], -1, *full.shape[3:])
    dx[...] = full[:, :, pad_top : pad_top + dx.shape[2], pad_left : pad_left + dx.shape[3]]
    if y is not None:
        dx *= activation_slope(y, activation, alpha)


def conv2d_backward_weight(
    x, dy, dw, db, *, stride_h, stride_w, dilation_h, dilation_w, groups, zero_top, zero_bottom
):
    """dw = sum over blocks, pixels, lanes of dy times the pixel a tap meets; db = sum of dy."""
    for ky, kx in np.ndindex(dw.shape[2:]):
        part = tap(
            grouped(x, groups),
            ky,
            kx,
            dy.shape[2:4],
            (stride_h, stride_w),
            (dilation_h, dilation_w),
        )
        dw[:, :, ky, kx] = np.einsum("bgcijl,bgkijl->gkc", part, grouped(dy, groups)).reshape(
            dw.shape[:2]
        )
    if db is not None:
        db[...] = dy.sum(axis=(0, 2, 3, 4))


def conv2d_max_pool_backward_weight(
    x,
    dy,
    y,
    index,
    dw,
    db,
    *,
    stride_h,
    stride_w,
    dilation_h,
    dilation_w,
    groups,
    zero_top,
    zero_bottom,
    activation,
    alpha,
):
    """The same after a max pool: dy act'(y) goes to the pixel `index` of each window."""
    gradient = dy * activation_slope(y, activation, alpha)
    full = np.zeros((*dy.shape[:2], 2 * dy.shape[2], 2 * dy.shape[3], dy.shape[4]), dy.dtype)
    for q in range(4):
        full[:, :, q // 2 :: 2, q % 2 :: 2] = gradient * (index == q)
    conv2d_backward_weight(
        x,
        full,
        dw,
        db,
        stride_h=stride_h,
        stride_w=stride_w,
        dilation_h=dilation_h,
        dilation_w=dilation_w,
        groups=groups,
        zero_top=zero_top,
        zero_bottom=zero_bottom,
    )


def conv2d_transpose_forward(
    x,
    w,
    b,
    y,
    *,
    stride_h,
    stride_w,
    dilation_h,
    dilation_w,
    groups,
    pad_top,
    pad_left,
    halo_top,
    halo_left,
    halo_bottom,
    activation,
    alpha,
):
    """y = act(b + what conv2d_backward_input makes of x as an output gradient)."""
    conv2d_backward_input(
        x,
        w,
        None,
        y,
        stride_h=stride_h,
        stride_w=stride_w,
        dilation_h=dilation_h,
        dilation_w=dilation_w,
        groups=groups,
        pad_top=pad_top,
        pad_left=pad_left,
        halo_top=halo_top,
        halo_left=halo_left,
        halo_bottom=halo_bottom,
        activation="linear",
        alpha=0.0,
    )
    if b is not None:
        y += b[:, None, None, None]
    y[...] = activate(y, activation, alpha)


def like(function):
    """Decorator: has the parameters of that function."""
    return wraps(function, assigned=())


@like(conv2d_forward)
def conv2d_bf16_forward(x, w, b, y, **params):
    """y = act(x * w + b) with x and w rounded"""
    conv2d_forward(round_bf16(x), round_bf16(w), b, y, **params)


@like(conv2d_backward_input)
def conv2d_bf16_backward_input(dy, w, y, dx, **params):
    """dx from dy and w rounded"""
    conv2d_backward_input(round_bf16(dy), round_bf16(w), y, dx, **params)


@like(conv2d_backward_weight)
def conv2d_bf16_backward_weight(x, dy, dw, db, **params):
    """dw from x and dy rounded; db = sum of dy as it is."""
    conv2d_backward_weight(round_bf16(x), round_bf16(dy), dw, None, **params)
    if db is not None:
        db[...] = dy.sum(axis=(0, 2, 3, 4))
