"""Activations as kernels of their own."""

from fastcnn.kernels.numba_.activation_math import activate, activate_backward
from fastcnn.kernels.numba_.rows import load_n, row_at, split_rows, store_n
from fastcnn.kernels.numba_.vector import VW

__all__ = ["activation_backward", "activation_forward"]


def activation_forward(share, x, y, activation, alpha):
    begin, end = split_rows(y, share)
    n = y.shape[3] * y.shape[4]
    for row in range(begin, end):
        p, q = row_at(x, row), row_at(y, row)
        for i in range(0, n, VW):
            store_n(q + i, activate(load_n(p + i, n - i), activation, alpha), n - i)


def activation_backward(share, dy, y, dx, activation, alpha):
    begin, end = split_rows(dx, share)
    n = dx.shape[3] * dx.shape[4]
    for row in range(begin, end):
        p, q, r = row_at(dy, row), row_at(y, row), row_at(dx, row)
        for i in range(0, n, VW):
            d = activate_backward(load_n(p + i, n - i), load_n(q + i, n - i), activation, alpha)
            store_n(r + i, d, n - i)
