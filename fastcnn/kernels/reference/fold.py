"""Batch norm put into the weights of the layer before it."""

import numpy as np

__all__ = ["fold_batch_norm"]


def fold_batch_norm(w, b, gamma, beta, moving_mean, moving_var, folded_w, folded_b, *, epsilon):
    """scale = gamma / sqrt(moving_var + epsilon); then batch norm of w x + b is
    (scale w) x + (b - moving_mean) scale + beta. w (filters, weights of a filter)"""
    scale = 1 / np.sqrt(moving_var.astype(np.float64) + epsilon)
    scale = scale if gamma is None else scale * gamma
    folded_w[...] = w * scale[:, None]
    shift = -moving_mean if b is None else b - moving_mean.astype(np.float64)
    folded_b[...] = shift * scale + (0 if beta is None else beta)
