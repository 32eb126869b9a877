"""Copies between views, multiples and sums."""

from fastcnn.kernels.reference.activation import activate

__all__ = ["add", "copy", "scale"]


def copy(x, y):
    y[...] = x


def scale(x, y, *, factor):
    """y = factor x"""
    y[...] = factor * x


def add(x, z, y, *, activation, alpha):
    """y = f(x + z)"""
    y[...] = activate(x + z, activation, alpha)
