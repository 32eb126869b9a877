"""Rectifier with learned slopes."""

import numpy as np

__all__ = ["prelu_backward_input", "prelu_backward_weight", "prelu_forward"]


def prelu_forward(x, alpha, y):
    """y = x where x > 0, else alpha x. Source: He et al. (2015)."""
    y[...] = np.where(x > 0, x, alpha[..., None] * x)


def prelu_backward_input(dy, x, alpha, dx):
    """dx = dy where x > 0, else alpha dy"""
    dx[...] = np.where(x > 0, dy, alpha[..., None] * dy)


def prelu_backward_weight(dy, x, dalpha):
    """dalpha = sum of dy x where x <= 0, over images and shared axes"""
    terms = np.where(x > 0, 0, dy * x).sum(axis=(0, 4))
    shared = tuple(axis for axis, n in enumerate(dalpha.shape) if n == 1)
    dalpha[...] = terms.sum(axis=shared, keepdims=True)
