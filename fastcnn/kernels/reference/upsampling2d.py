"""Larger images by whole factors f, one for each axis; output pixel i has its centre at
(i + 1/2) / f - 1/2 of the input.

Each output row is a mixture of input rows, and likewise each column: y = R x S^T, dx = R^T dy S.
"""

import numpy as np

__all__ = [
    "upsample2d_bilinear_backward",
    "upsample2d_bilinear_forward",
    "upsample2d_nearest_backward",
    "upsample2d_nearest_forward",
]


def nearest(size, out):
    """(out, size): 1 where output i is nearest to input j."""
    return np.repeat(np.eye(size), out // size, axis=0)


def bilinear(size, out):
    """(out, size): weights of the two inputs around output i; the border goes on outwards."""
    at = (np.arange(out) + 0.5) * size / out - 0.5
    before = np.floor(at).astype(int)
    weights = np.zeros((out, size))
    for i, (j, part) in enumerate(zip(before, at - before, strict=True)):
        weights[i, max(j, 0)] += 1 - part
        weights[i, min(j + 1, size - 1)] += part
    return weights


def _forward(weights, x, y):
    rows, columns = (weights(x.shape[k], y.shape[k]) for k in (2, 3))
    y[...] = np.einsum("ih,jw,bchwl->bcijl", rows, columns, x)


def _backward(weights, dy, dx):
    rows, columns = (weights(dx.shape[k], dy.shape[k]) for k in (2, 3))
    dx[...] = np.einsum("ih,jw,bcijl->bchwl", rows, columns, dy)


def upsample2d_nearest_forward(x, y):
    """y[i, j] = x[i // f, j // f]"""
    _forward(nearest, x, y)


def upsample2d_nearest_backward(dy, dx):
    _backward(nearest, dy, dx)


def upsample2d_bilinear_forward(x, y):
    """y[i, j] = the four pixels of x around its centre, by their distance in rows and columns."""
    _forward(bilinear, x, y)


def upsample2d_bilinear_backward(dy, dx):
    _backward(bilinear, dy, dx)
