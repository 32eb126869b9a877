"""Noise that is a function of seed, step, layer, image and element alone."""

import numpy as np

from fastcnn.kernels.reference.dropout import kept, words

__all__ = ["alpha_dropout", "gaussian_dropout", "gaussian_noise", "spatial_dropout"]


def normals(shape, state, layer):
    """Numbers of mean 0 and variance 1, by Box and Muller (1958), of two words for two elements.

    sqrt(-2 ln u) cos(2 pi v) for an even element, with sin for the odd one after it;
    u = (word / 2^9 + 1/2) / 2^23 of the even word, v = (word / 2^8) / 2^24 of the odd one.
    """
    blocks, c, h, w, lanes = shape
    drawn = words(shape, int(state[0]), int(state[1]), layer)
    u = ((drawn[..., 0::2] >> 9) + 0.5) / 2**23
    angle = 2 * np.pi * (drawn[..., 1::2] >> 8) / 2**24
    radius = np.sqrt(-2 * np.log(u))
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    flat = pairs.reshape(blocks, lanes, -1)[:, :, : c * h * w]
    return flat.reshape(blocks, lanes, c, h, w).transpose(0, 2, 3, 4, 1)


def gaussian_noise(x, y, state, *, layer, stddev):
    """y = x + stddev n, n normal"""
    y[...] = x + stddev * normals(x.shape, state, layer)


def gaussian_dropout(x, y, state, *, layer, stddev):
    """y = x (1 + stddev n), n normal"""
    y[...] = x * (1 + stddev * normals(x.shape, state, layer))


def alpha_dropout(x, y, state, *, layer, rate, scale, shift, dropped):
    """y = scale x + shift where kept, else dropped"""
    keep = kept(x.shape, int(state[0]), int(state[1]), layer, rate)
    y[...] = np.where(keep, scale * x + shift, dropped)


def spatial_dropout(x, y, state, *, layer, rate):
    """y = x / (1 - rate) in channels that are kept, else 0; a channel counts as one element."""
    blocks, channels, _, _, lanes = x.shape
    one_pixel = (blocks, channels, 1, 1, lanes)
    y[...] = x * (kept(one_pixel, int(state[0]), int(state[1]), layer, rate) / (1 - rate))
