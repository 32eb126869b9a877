"""Batch normalisation of channels; lanes without image (order < 0) take no part and become 0."""

import numpy as np

from fastcnn.kernels.reference.activation import activate, input_slope

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
    z,
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
    """y = f(gamma (x - mean) / sqrt(var + epsilon) + beta + z)

    moving = momentum moving + (1 - momentum) batch; the variance is the biased one, in the moving
    average too (as Keras). Source: Ioffe and Szegedy (2015).
    """
    valid, n = _valid(order, x)
    mean[...] = _sum(x * valid) / n
    var = _sum(((x - _channels(mean)) * valid) ** 2) / n
    inv_std[...] = 1 / np.sqrt(var + epsilon)
    normal = _affine(x, gamma, beta, mean, inv_std)
    y[...] = activate(normal if z is None else normal + z, activation, alpha) * valid
    if valid.any():
        moving_mean[...] = momentum * moving_mean + (1 - momentum) * mean
        moving_var[...] = momentum * moving_var + (1 - momentum) * var


def _affine(x, gamma, beta, mean, inv_std):
    scale = _channels(gamma, 1) * _channels(inv_std)
    return (x - _channels(mean)) * scale + _channels(beta, 0)


def batch_norm_inference(
    x, gamma, beta, z, moving_mean, moving_var, y, *, activation, epsilon, alpha
):
    """y = f(gamma (x - moving_mean) / sqrt(moving_var + epsilon) + beta + z)"""
    normal = _affine(x, gamma, beta, moving_mean, 1 / np.sqrt(moving_var + epsilon))
    y[...] = activate(normal if z is None else normal + z, activation, alpha)


def batch_norm_backward(
    x, dy, gamma, beta, mean, inv_std, order, dx, dgamma, dbeta, *, activation, alpha
):
    """dx = gamma inv_std (ds - sum(ds) / n - xhat sum(ds xhat) / n), ds = dy f'(gamma xhat + beta)

    The activation's input is made from x again, so y is not read. After a sum with z the activation
    is linear here: its slope is applied by whoever writes dy.
    """
    valid, n = _valid(order, x)
    slope = input_slope(_affine(x, gamma, beta, mean, inv_std), activation, alpha)
    ds = dy * slope * valid
    xhat = (x - _channels(mean)) * _channels(inv_std)
    sum_ds, sum_ds_xhat = _sum(ds), _sum(ds * xhat)
    centred = ds - _channels(sum_ds) / n - xhat * _channels(sum_ds_xhat) / n
    dx[...] = centred * _channels(gamma, 1) * _channels(inv_std) * valid
    if dgamma is not None:
        dgamma[...] = sum_ds_xhat
    if dbeta is not None:
        dbeta[...] = sum_ds
