"""Several tensors of one shape into one, element by element."""

import numpy as np

from fastcnn.kernels.reference.activation import activate

__all__ = ["maximum_backward", "maximum_forward", "multiply"]


def multiply(x, z, y, *, activation, alpha):
    """y = f(x z)"""
    y[...] = activate(x * z, activation, alpha)


def maximum_forward(x, z, y, index):
    """y = max(x, z); index = 1 where z is the larger, 0 where x is or both are the same."""
    index[...] = z > x
    y[...] = np.where(z > x, z, x)


def maximum_backward(dy, index, dx, dz):
    """dy goes to the one that was the larger."""
    from_z = index != 0
    dz[...] = np.where(from_z, dy, 0)
    dx[...] = np.where(from_z, 0, dy)
