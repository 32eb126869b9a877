"""Copies between views, and sums."""

from fastcnn.kernels.numba_.activation_math import activate
from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.rows import each_pair, each_vector, split_rows

__all__ = ["add", "copy", "scale"]


@each_vector
@helper
def _same(x, constants):
    return x


@each_pair
@helper
def _add(x, z, constants):
    return activate(x + z, constants[0], constants[1])


@each_vector
@helper
def _scale(x, constants):
    return x * constants[0]


def copy(work, x, y):
    """x may have any strides."""
    lanes = x.shape[4]
    if (lanes == 1 or x.strides[4] == 4) and (x.shape[3] == 1 or x.strides[3] == 4 * lanes):
        _same(work, x, y, ())
        return
    height, channels = y.shape[2], y.shape[1]
    begin, end = split_rows(y, work)
    for row in range(begin, end):
        b, c, h = row // height // channels, row // height % channels, row % height
        for w in range(y.shape[3]):
            for lane in range(lanes):
                y[b, c, h, w, lane] = x[b, c, h, w, lane]


def scale(work, x, y, factor):
    _scale(work, x, y, (factor,))


def add(work, x, z, y, activation, alpha):
    _add(work, x, z, y, (activation, alpha))
