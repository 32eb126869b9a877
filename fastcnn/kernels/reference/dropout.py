"""Inverted dropout with a counter-based mask."""

import numpy as np

from fastcnn import rng
from fastcnn.kernels.reference.activation import activation_slope

__all__ = ["dropout_backward", "dropout_forward"]


def kept(shape, seed, step, layer, rate):
    """Which elements stay: word e % 4 of Philox(e / 4, image, step, layer) >= rate 2^32.

    e = (c H + h) W + w is the element's number in its image, b L + l the image's in the batch.
    """
    blocks, c, h, w, lanes = shape
    quads = np.arange(-(-c * h * w // 4))
    images = np.arange(blocks * lanes)
    words = rng.philox((quads[:, None], images, step, layer), rng.seed_key(seed))
    words = words.transpose(1, 0, 2).reshape(blocks, lanes, -1)[:, :, : c * h * w]
    keep = words >= np.uint32(min(int(rate * 2**32), 2**32 - 1))
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
