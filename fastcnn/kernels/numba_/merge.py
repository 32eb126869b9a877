"""Several tensors of one shape into one, element by element."""

from fastcnn.kernels.numba_.activation_math import activate
from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.rows import each_pair, load_n, row_at, split_rows, store_n
from fastcnn.kernels.numba_.vector import (
    like,
    pointer,
    select,
    splat,
    to_bytes,
    to_int,
)

__all__ = ["maximum_backward", "maximum_forward", "multiply"]


@each_pair
@helper
def _multiply(x, z, constants):
    return activate(x * z, constants[0], constants[1])


def multiply(work, x, z, y, activation, alpha):
    _multiply(work, x, z, y, (activation, alpha))


@helper
def bytes_row(index, row):
    """Pointer to a row of an array of bytes, numbered like the rows of an activation."""
    h = index.shape[2]
    channel = row // h
    return pointer(index, channel // index.shape[1], channel % index.shape[1], row % h)


def maximum_forward(work, x, z, y, index):
    begin, end = split_rows(y, work)
    n, zero = y.shape[3] * y.shape[4], to_int(splat(0.0))
    for row in range(begin, end):
        p, q, r, s = row_at(x, row), row_at(z, row), row_at(y, row), bytes_row(index, row)
        for i in range(0, n, VW):
            a, b = load_n(p + i, n - i), load_n(q + i, n - i)
            store_n(r + i, select(b > a, b, a), n - i)
            store_n(s + i, to_bytes(select(b > a, zero + 1, zero)), n - i)


def maximum_backward(work, dy, index, dx, dz):
    begin, end = split_rows(dx, work)
    n = dx.shape[3] * dx.shape[4]
    for row in range(begin, end):
        p, s, q, r = row_at(dy, row), bytes_row(index, row), row_at(dx, row), row_at(dz, row)
        for i in range(0, n, VW):
            d, from_z = load_n(p + i, n - i), load_n(s + i, n - i) != 0
            zero = like(d, 0.0)
            store_n(r + i, select(from_z, d, zero), n - i)
            store_n(q + i, select(from_z, zero, d), n - i)
