"""Batch normalisation of channels; lanes without image (order < 0) take no part and become 0."""

import numpy as np

from fastcnn.kernels.reference.activation import activate, activation_slope

__all__ = ["batch_norm_backward", "batch_norm_forward", "batch_norm_inference"]


def _channels(values, absent=None):
    """(C) as (C, 1, 1, 1)"""
    return absent if values is None else values[:, None, None, None]


def _valid(order, x):
    """1 for lanes with an image (B, 1, 1, 1, L), and the number of values in a channel."""
    valid = (order >= 0)[:, None, None, None, :]
    return valid.astype(x.dtype), max(1, int(valid.sum()) * x.shape[2] * x.shape[3])


def _sum(values):
    return values.sum(axis=(0, 2, 3, 4))


def batch_norm_forward(
    x,
    gamma,
    beta,
    order,
    y,
    mean,
    inv_std,
    moving_mean,
    moving_var,
    *,
    activation,
    epsilon,
    momentum,
    alpha,
):
    """y = f(gamma (x - mean) / sqrt(var + epsilon) + beta)

    moving = momentum moving + (1 - momentum) batch; the variance is the biased one, in the moving
    average too (as Keras). Source: Ioffe and Szegedy (2015).
    """
    valid, n = _valid(order, x)
    mean[...] = _sum(x * valid) / n
    centred = (x - _channels(mean)) * valid
    var = _sum(centred**2) / n
    inv_std[...] = 1 / np.sqrt(var + epsilon)
    normal = centred * _channels(inv_std * (1 if gamma is None else gamma))
    y[...] = activate(normal + _channels(beta, 0), activation, alpha) * valid
    if valid.any():
        moving_mean[...] = momentum * moving_mean + (1 - momentum) * mean
        moving_var[...] = momentum * moving_var + (1 - momentum) * var


def batch_norm_inference(x, gamma, beta, moving_mean, moving_var, y, *, activation, epsilon, alpha):
    """y = f(gamma (x - moving_mean) / sqrt(moving_var + epsilon) + beta)"""
    scale = _channels(gamma, 1) / np.sqrt(_channels(moving_var) + epsilon)
    y[...] = activate((x - _channels(moving_mean)) * scale + _channels(beta, 0), activation, alpha)


def batch_norm_backward(
    x, dy, y, gamma, mean, inv_std, order, dx, dgamma, dbeta, *, activation, alpha
):
    """dx = gamma inv_std (dy - sum(dy) / n - xhat sum(dy xhat) / n), dy times f'(y) first."""
    valid, n = _valid(order, x)
    if y is not None:
        dy = dy * activation_slope(y, activation, alpha)
    dy = dy * valid
    xhat = (x - _channels(mean)) * _channels(inv_std)
    sum_dy, sum_dy_xhat = _sum(dy), _sum(dy * xhat)
    centred = dy - _channels(sum_dy) / n - xhat * _channels(sum_dy_xhat) / n
    dx[...] = centred * _channels(gamma, 1) * _channels(inv_std) * valid
    if dgamma is not None:
        dgamma[...] = sum_dy_xhat
    if dbeta is not None:
        dbeta[...] = sum_dy
