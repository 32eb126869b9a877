"""Dense layers y = f(w x + b), w (outputs, inputs). Shapes: x (B, I, L), y (B, O, L)."""

import numpy as np

from fastcnn.kernels.reference.activation import activate, activation_slope

__all__ = ["dense_backward_input", "dense_backward_weight", "dense_forward"]


def dense_forward(x, w, b, y, *, activation, alpha, packed):
    """y = f(w x + b); packed only saves time."""
    z = np.einsum("oi,bil->bol", w, x)
    if b is not None:
        z = z + b[:, None]
    y[...] = activate(z, activation, alpha)


def dense_backward_input(dy, w, y, dx, *, activation, alpha):
    """dx = (w^T dy) f'(y), y the output of the layer before, which f made; else w^T dy"""
    dx[...] = np.einsum("oi,bol->bil", w, dy)
    if y is not None:
        dx *= activation_slope(y, activation, alpha)


def dense_backward_weight(x, dy, dw, db):
    """dw = sum over images of dy x^T, db = sum over images of dy; overwritten, not accumulated"""
    dw[...] = np.einsum("bol,bil->oi", dy, x)
    if db is not None:
        db[...] = dy.sum(axis=(0, 2))
