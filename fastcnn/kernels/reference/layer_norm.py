"""Normalisation of each pixel over its channels. Lanes without image have dy = 0."""

import numpy as np

from fastcnn.kernels.reference.activation import activate

__all__ = ["layer_norm_backward_input", "layer_norm_backward_weight", "layer_norm_forward"]


def channels(values, absent):
    """(C) as (C, 1, 1, 1)"""
    return absent if values is None else values[:, None, None, None]


def layer_norm_forward(x, gamma, beta, y, mean, inv_std, *, activation, epsilon, alpha):
    """y = f(gamma (x - mean) / sqrt(var + epsilon) + beta), statistics over the channels.

    Source: Ba, Kiros and Hinton (2016).
    """
    centre = x.mean(axis=1, keepdims=True)
    scale = 1 / np.sqrt(x.var(axis=1, keepdims=True) + epsilon)
    normal = (x - centre) * scale
    y[...] = activate(normal * channels(gamma, 1) + channels(beta, 0), activation, alpha)
    if mean is not None:
        mean[...] = centre[:, 0]
    if inv_std is not None:
        inv_std[...] = scale[:, 0]


def layer_norm_backward_input(dy, x, gamma, mean, inv_std, dx):
    """dx = inv_std (g - mean(g) - xhat mean(g xhat)), g = gamma dy, means over the channels"""
    xhat = (x - mean[:, None]) * inv_std[:, None]
    g = dy * channels(gamma, 1)
    centred = g - g.mean(axis=1, keepdims=True) - xhat * (g * xhat).mean(axis=1, keepdims=True)
    dx[...] = inv_std[:, None] * centred


def layer_norm_backward_weight(dy, x, mean, inv_std, dgamma, dbeta):
    """dgamma = sum dy xhat, dbeta = sum dy, over images and pixels"""
    xhat = (x - mean[:, None]) * inv_std[:, None]
    if dgamma is not None:
        dgamma[...] = (dy * xhat).sum(axis=(0, 2, 3, 4))
    if dbeta is not None:
        dbeta[...] = dy.sum(axis=(0, 2, 3, 4))
