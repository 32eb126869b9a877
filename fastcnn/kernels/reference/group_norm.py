"""Normalisation of each image over groups of its channels. Lanes without image have dy = 0."""

import numpy as np

from fastcnn.kernels.reference.activation import activate
from fastcnn.kernels.reference.layer_norm import channels

__all__ = ["group_norm_backward_input", "group_norm_backward_weight", "group_norm_forward"]

GROUP = (2, 3, 4)  # axes of a group's values in (B, G, C / G, H, W, L)


def _grouped(x, groups):
    blocks, count, *rest = x.shape
    return x.reshape(blocks, groups, count // groups, *rest)


def _of_group(statistic):
    """(B, G, L) as (B, G, 1, 1, 1, L)"""
    return statistic[:, :, None, None, None]


def group_norm_forward(x, gamma, beta, y, mean, inv_std, *, groups, activation, epsilon, alpha):
    """y = f(gamma (x - mean) / sqrt(var + epsilon) + beta), statistics over pixels and a group.

    Source: Wu and He (2018); with one channel a group, Ulyanov et al. (2016).
    """
    grouped = _grouped(x, groups)
    centre = grouped.mean(axis=GROUP)
    scale = 1 / np.sqrt(grouped.var(axis=GROUP) + epsilon)
    normal = ((grouped - _of_group(centre)) * _of_group(scale)).reshape(x.shape)
    y[...] = activate(normal * channels(gamma, 1) + channels(beta, 0), activation, alpha)
    if mean is not None:
        mean[...] = centre
    if inv_std is not None:
        inv_std[...] = scale


def group_norm_backward_input(dy, x, gamma, mean, inv_std, dx, *, groups):
    """dx = inv_std (g - mean(g) - xhat mean(g xhat)), g = gamma dy, means over the group"""
    xhat = (_grouped(x, groups) - _of_group(mean)) * _of_group(inv_std)
    g = _grouped(dy * channels(gamma, 1), groups)
    product = (g * xhat).mean(axis=GROUP)
    centred = g - _of_group(g.mean(axis=GROUP)) - xhat * _of_group(product)
    dx[...] = (centred * _of_group(inv_std)).reshape(x.shape)


def group_norm_backward_weight(dy, x, mean, inv_std, dgamma, dbeta, *, groups):
    """dgamma = sum dy xhat, dbeta = sum dy, over images and pixels"""
    xhat = (_grouped(x, groups) - _of_group(mean)) * _of_group(inv_std)
    if dgamma is not None:
        dgamma[...] = (dy * xhat.reshape(x.shape)).sum(axis=(0, 2, 3, 4))
    if dbeta is not None:
        dbeta[...] = dy.sum(axis=(0, 2, 3, 4))
