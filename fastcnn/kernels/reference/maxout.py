"""The largest of neighbouring channels."""

import numpy as np

__all__ = ["maxout_backward", "maxout_forward"]


def _pools(x, pool):
    blocks, channels, *rest = x.shape
    return x.reshape(blocks, channels // pool, pool, *rest)


def maxout_forward(x, y, index, *, pool):
    """y[c] = max over j < pool of x[pool c + j]; index is that j, the first of equal ones.

    Source: Goodfellow et al. (2013).
    """
    y[...] = _pools(x, pool).max(axis=2)
    if index is not None:
        index[...] = _pools(x, pool).argmax(axis=2)


def maxout_backward(dy, index, dx, *, pool):
    """dx[pool c + j] = dy[c] where index[c] is j, else 0"""
    numbers = np.arange(pool)[:, None, None, None]
    winners = np.where(index[:, :, None] == numbers, dy[:, :, None], 0)
    dx[...] = winners.reshape(dx.shape)
