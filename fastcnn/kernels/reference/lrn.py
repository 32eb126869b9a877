"""Local response normalisation, across channels."""

import numpy as np

__all__ = ["lrn_backward", "lrn_forward"]


def _around(values, size):
    """Sum over the `size` channels around each one, those that exist."""
    radius = size // 2
    padded = np.pad(values, ((0, 0), (radius, radius), (0, 0), (0, 0), (0, 0)))
    return sum(padded[:, k : k + values.shape[1]] for k in range(size))


def lrn_forward(x, y, *, size, alpha, beta, k):
    """y = x / d^beta, d = k + alpha / size (sum of x^2 over `size` channels around)

    Source: Krizhevsky, Sutskever and Hinton (2012).
    """
    y[...] = x * (k + alpha / size * _around(x * x, size)) ** -beta


def lrn_backward(x, dy, dx, *, size, alpha, beta, k):
    """dx = dy / d^beta - 2 alpha / size beta x (sum of dy x / d^(beta + 1) around)"""
    d = k + alpha / size * _around(x * x, size)
    others = _around(dy * x * d ** (-beta - 1), size)
    dx[...] = dy * d**-beta - 2 * alpha / size * beta * x * others
