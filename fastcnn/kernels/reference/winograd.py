"""Winograd's convolution (Lavin and Gray 2016): fewer multiplications for 3x3 and 5x5 kernels.

A tile of s x s inputs yields m x m outputs of an r x r kernel, s = m + r - 1:

    y = A' [sum over channels of (G w G') * (B' x B)] A        ' is the transpose

for each tile s s multiplications a channel in place of m m r r: with tiles of 6 x 6 4 times fewer
for 3x3 kernels, 2.8 times for 5x5; with tiles of 4 x 4, for 3x3 kernels only, 2.25 times. The
matrices follow from s - 1 points and infinity: row p of A and, over the product of its distances to
the other points, of G are the powers of point p; row p of B' has the coefficients of the product of
(t - q) over all points q but p. With 0, +-1/sqrt 2, +-sqrt 2, float32's error is half of what it is
with the usual 0, +-1, +-2.

In bf16, both factors of these products are rounded: U = G w G' and V = B' x B, or A dy A'.
The gradients are the adjoints. Parts of tiles that lie beyond the image are zeros.
"""

import math

import numpy as np
from numpy.polynomial.polynomial import polyfromroots

from fastcnn.kernels.reference.activation import activate, activation_slope
from fastcnn.kernels.reference.bf16 import round_bf16
from fastcnn.kernels.reference.conv2d import windows

__all__ = [
    "winograd_backward_input",
    "winograd_backward_weight",
    "winograd_bf16_backward_input",
    "winograd_bf16_backward_weight",
    "winograd_bf16_forward",
    "winograd_bf16_max_pool_forward",
    "winograd_forward",
    "winograd_max_pool_forward",
    "winograd_single_max_pool_forward",
    "winograd_weight_gradient",
]

POINTS = {  # by the side of a tile of inputs
    4: (0.0, 1.0, -1.0),
    6: (0.0, math.sqrt(1 / 2), -math.sqrt(1 / 2), math.sqrt(2), -math.sqrt(2)),
}


def matrices(kernel, side, dtype):
    """B' (side, side), G (side, kernel), A' (m, side); the last row of B' and G is infinity's."""
    points, outputs = POINTS[side], side + 1 - kernel
    to_input, to_kernel = np.zeros((side, side)), np.zeros((side, kernel))
    to_output = np.zeros((outputs, side))
    for k, point in enumerate(points):
        others = [p for p in points if p != point]
        to_input[k, :-1] = polyfromroots(others)
        to_kernel[k] = point ** np.arange(kernel) / np.prod(point - np.array(others))
        to_output[:, k] = point ** np.arange(outputs)
    to_input[-1] = polyfromroots(points)
    to_kernel[-1, -1] = to_output[-1, -1] = 1
    return to_input.astype(dtype), to_kernel.astype(dtype), to_output.astype(dtype)


def transform(matrix, tiles):
    """matrix tile matrix' of tiles (..., rows, columns)"""
    return matrix @ tiles @ matrix.T


def tiles_of(image, grid, step, side):
    """Tiles (B, C, *grid, L, side, side), `step` pixels apart, zeros beyond the image."""
    size = [(n - 1) * step + side for n in grid]
    whole = np.zeros((*image.shape[:2], *size, image.shape[4]), image.dtype)
    inside = image[:, :, : size[0], : size[1]]
    whole[:, :, : inside.shape[2], : inside.shape[3]] = inside
    tiles = np.lib.stride_tricks.sliding_window_view(whole, (side, side), axis=(2, 3))
    return tiles[:, :, ::step, ::step]


def image_of(tiles, size):
    """(B, K, height, width, L) of tiles (B, K, rows, columns, L, m, m)"""
    b, k, rows, columns, lanes, m, _ = tiles.shape
    image = tiles.transpose(0, 1, 2, 5, 3, 6, 4).reshape(b, k, rows * m, columns * m, lanes)
    return image[:, :, : size[0], : size[1]]


def exactly(x):
    """How factors are rounded where nothing is."""
    return x


def convolve(x, w, size, side, rounded):
    """The "valid" convolution of x by w (K, C, r, r); as many pixels as `size` says."""
    to_input, to_kernel, to_output = matrices(w.shape[2], side, x.dtype)
    m = len(to_output)
    v = transform(to_input, tiles_of(x, [-(-n // m) for n in size], m, side))
    u = transform(to_kernel, w)
    return image_of(transform(to_output, times(rounded(u), rounded(v))), size)


def times(u, v):
    """Sum over channels c of u[k, c] v[b, c], at each of the positions, which come last."""
    b, c, *tiles, i, j = v.shape
    columns = np.moveaxis(v, 1, 0).reshape(c, -1, i * j).transpose(2, 0, 1)
    made = u.reshape(*u.shape[:2], i * j).transpose(2, 0, 1) @ columns
    return np.moveaxis(made.transpose(1, 2, 0).reshape(-1, b, *tiles, i, j), 0, 1)


def by_tile(v):
    """(tiles, channels, lanes, positions) of tiles (B, C, rows, columns, L, side, side)"""
    b, c, rows, columns, lanes, *side = v.shape
    return np.moveaxis(v, 1, 3).reshape(b * rows * columns, c, lanes, side[0] * side[1])


def padded(x, top, left):
    """x with rows and columns of zeros before it; without as many, if they are negative."""
    x = x[:, :, max(0, -top) :, max(0, -left) :]
    return np.pad(x, ((0, 0), (0, 0), (max(0, top), 0), (max(0, left), 0), (0, 0)))


def biased(x, w, b, size, side, rounded):
    out = convolve(x, w, size, side, rounded)
    return out if b is None else out + b[:, None, None, None]


def kernels(rounded):
    """forward, max_pool_forward, backward_input and backward_weight with factors rounded so."""

    def forward(x, w, b, y, *, pad_top, pad_left, side, activation, alpha):
        """y = act(x * w + b)"""
        x = padded(x, pad_top, pad_left)
        y[...] = activate(biased(x, w, b, y.shape[2:4], side, rounded), activation, alpha)

    def max_pool_forward(x, w, b, y, index, *, pad_top, pad_left, side, activation, alpha):
        """y = act(max over 2x2 windows of (x * w + b)); index = 2 dy + dx of the first maximum."""
        x = padded(x, pad_top, pad_left)
        out = windows(biased(x, w, b, (2 * y.shape[2], 2 * y.shape[3]), side, rounded))
        if index is not None:
            index[...] = out.argmax(axis=2)
        y[...] = activate(out.max(axis=2), activation, alpha)

    def backward_input(
        dy, w, y, z, dx, *, pad_top, pad_left, halo_top, halo_left, side, activation, alpha
    ):
        """dx = (dy * w turned by half a turn, channels and filters exchanged, + z) times act'(y)

        y and z may be absent.
        """
        before = ((pad_top, halo_top), (pad_left, halo_left))
        top, left = (p + h - (w.shape[2] - 1) for p, h in before)
        turned = w[:, :, ::-1, ::-1].swapaxes(0, 1)
        total = convolve(padded(dy, -top, -left), turned, dx.shape[2:4], side, rounded)
        if z is not None:
            total = total + z
        dx[...] = total if y is None else total * activation_slope(y, activation, alpha)

    def backward_weight(x, dy, sums, bias_sums, *, kernel, pad_top, pad_left):
        """sums[s, k, c, o] = sum over tiles and images of (B' x B)[k, c] (A dy A')[k, o];
        bias_sums[s, o] = sum of dy over the same.

        s: one of the equal shares of tiles (blocks, rows, columns); k: one of the positions of a
        tile, 36 or 16. Rows of filters are padded with zeros to whole vectors.
        """
        side = math.isqrt(sums.shape[1])
        to_input, _, to_output = matrices(kernel, side, x.dtype)
        x = padded(x, pad_top, pad_left)
        m = len(to_output)
        grid = [-(-n // m) for n in dy.shape[2:4]]
        tiles = tiles_of(dy, grid, m, m)
        v = by_tile(rounded(transform(to_input, tiles_of(x, grid, m, side))))
        dm = by_tile(rounded(transform(to_output.T, tiles)))
        ends = len(v) * np.arange(len(sums) + 1) // len(sums)
        sums[...] = 0
        for own, begin, end in zip(sums, ends, ends[1:], strict=False):
            parts = v[begin:end], dm[begin:end]
            own[:, :, : dy.shape[1]] = np.einsum("tclp,tklp->pck", *parts, optimize=True)
        if bias_sums is not None:
            for own, begin, end in zip(bias_sums, ends, ends[1:], strict=False):
                own[...] = by_tile(tiles)[begin:end].sum(axis=(0, 2, 3))

    return forward, max_pool_forward, backward_input, backward_weight


(
    winograd_forward,
    winograd_max_pool_forward,
    winograd_backward_input,
    winograd_backward_weight,
) = kernels(exactly)
(
    winograd_bf16_forward,
    winograd_bf16_max_pool_forward,
    winograd_bf16_backward_input,
    winograd_bf16_backward_weight,
) = kernels(round_bf16)


def winograd_single_max_pool_forward(x, w, b, y, *, pad_top, pad_left, side, activation, alpha):
    """y = act(max over 2x2 windows of (x * w + b))"""
    params = {"side": side, "activation": activation, "alpha": alpha}
    winograd_max_pool_forward(x, w, b, y, None, pad_top=pad_top, pad_left=pad_left, **params)


def winograd_weight_gradient(sums, bias_sums, dw, db):
    """dw = G' sums G, db = bias_sums, all shares added up"""
    side = math.isqrt(sums.shape[1])
    _, to_kernel, _ = matrices(dw.shape[2], side, dw.dtype)
    du = sums.sum(axis=0)[:, :, : dw.shape[0]].transpose(2, 1, 0).reshape(*dw.shape[:2], side, side)
    dw[...] = transform(to_kernel.T, du)
    if db is not None:
        db[...] = bias_sums.sum(axis=0)
