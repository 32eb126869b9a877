"""Inverted dropout with a counter-based mask."""

import numpy as np

from fastcnn import rng
from fastcnn.kernels.reference.activation import activation_slope

__all__ = ["dropout_backward", "dropout_forward"]


def words(shape, seed, step, layer):
    """(B, L, elements): word e % 4 of Philox(e / 4, image, step, layer), elements rounded up to 4.

    e = (c H + h) W + w is the element's number in its image, b L + l the image's in the batch.
    """
    blocks, c, h, w, lanes = shape
    quads = np.arange(-(-c * h * w // 4))
    images = np.arange(blocks * lanes)
    drawn = rng.philox((quads[:, None], images, step, layer), rng.seed_key(seed))
    return drawn.transpose(1, 0, 2).reshape(blocks, lanes, -1)


def kept(shape, seed, step, layer, rate):
    """Which elements stay: those whose word is at least rate 2^32."""
    blocks, c, h, w, lanes = shape
    drawn = words(shape, seed, step, layer)[:, :, : c * h * w]
    keep = drawn >= np.uint32(min(int(rate * 2**32), 2**32 - 1))
    return keep.reshape(blocks, lanes, c, h, w).transpose(0, 2, 3, 4, 1)


def dropout_forward(x, y, mask, state, *, layer, rate):
    """y = x / (1 - rate) where kept, else 0; bit l of mask: lane l is kept."""
    keep = kept(x.shape, int(state[0]), int(state[1]), layer, rate)
    mask[...] = (keep << np.arange(x.shape[-1])).sum(axis=-1)
    y[...] = np.where(keep, x / (1 - rate), 0)


def dropout_backward(dy, mask, y, dx, *, rate, activation, alpha):
    """dx = dy / (1 - rate) f'(y) where kept, else 0"""
    keep = mask[..., None] >> np.arange(dx.shape[-1]) & 1
    slope = 1 if y is None else activation_slope(y, activation, alpha)
    dx[...] = np.where(keep, dy / (1 - rate), 0) * slope
