"""Copies between views, and sums."""

from fastcnn.kernels.numba_.activation_math import activate
from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.rows import each_pair, each_vector

__all__ = ["add", "copy"]


@each_vector
@helper
def _same(x, constants):
    return x


@each_pair
@helper
def _add(x, z, constants):
    return activate(x + z, constants[0], constants[1])


def copy(work, x, y):
    _same(work, x, y, ())


def add(work, x, z, y, activation, alpha):
    _add(work, x, z, y, (activation, alpha))
