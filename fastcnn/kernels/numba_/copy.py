"""Copies between views, and sums."""

from fastcnn.kernels.numba_.activation_math import activate
from fastcnn.kernels.numba_.rows import load_n, row_at, split_rows, store_n
from fastcnn.kernels.numba_.vector import VW

__all__ = ["add", "copy"]


def copy(share, x, y):
    begin, end = split_rows(y, share)
    n = y.shape[3] * y.shape[4]
    for row in range(begin, end):
        p, q = row_at(x, row), row_at(y, row)
        for i in range(0, n, VW):
            store_n(q + i, load_n(p + i, n - i), n - i)


def add(share, x, z, y, activation, alpha):
    begin, end = split_rows(y, share)
    n = y.shape[3] * y.shape[4]
    for row in range(begin, end):
        p, q, r = row_at(x, row), row_at(z, row), row_at(y, row)
        for i in range(0, n, VW):
            v = load_n(p + i, n - i) + load_n(q + i, n - i)
            store_n(r + i, activate(v, activation, alpha), n - i)
