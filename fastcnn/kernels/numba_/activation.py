"""Activations as kernels of their own."""

from fastcnn.kernels.numba_.activation_math import (
    activate,
    activate_backward,
    activate_input_backward,
)
from fastcnn.kernels.numba_.rows import load_n, row_at, split_rows, store_n
from fastcnn.kernels.numba_.vector import VW, like, select

__all__ = [
    "activation_backward",
    "activation_forward",
    "activation_input_backward",
    "rectifier_backward",
    "rectifier_forward",
]


def activation_forward(work, x, y, activation, alpha):
    begin, end = split_rows(y, work)
    n = y.shape[3] * y.shape[4]
    for row in range(begin, end):
        p, q = row_at(x, row), row_at(y, row)
        for i in range(0, n, VW):
            store_n(q + i, activate(load_n(p + i, n - i), activation, alpha), n - i)


def activation_backward(work, dy, y, dx, activation, alpha):
    begin, end = split_rows(dx, work)
    n = dx.shape[3] * dx.shape[4]
    for row in range(begin, end):
        p, q, r = row_at(dy, row), row_at(y, row), row_at(dx, row)
        for i in range(0, n, VW):
            d = activate_backward(load_n(p + i, n - i), load_n(q + i, n - i), activation, alpha)
            store_n(r + i, d, n - i)


def activation_input_backward(work, dy, x, dx, activation):
    begin, end = split_rows(dx, work)
    n = dx.shape[3] * dx.shape[4]
    for row in range(begin, end):
        p, q, r = row_at(dy, row), row_at(x, row), row_at(dx, row)
        for i in range(0, n, VW):
            d = activate_input_backward(load_n(p + i, n - i), load_n(q + i, n - i), activation)
            store_n(r + i, d, n - i)


def rectifier_forward(work, x, y, negative_slope, max_value, threshold):
    begin, end = split_rows(y, work)
    n = y.shape[3] * y.shape[4]
    for row in range(begin, end):
        p, q = row_at(x, row), row_at(y, row)
        for i in range(0, n, VW):
            v = load_n(p + i, n - i)
            v = select(v >= threshold, v, (v - threshold) * negative_slope)
            store_n(q + i, select(load_n(p + i, n - i) >= max_value, like(v, max_value), v), n - i)


def rectifier_backward(work, dy, x, dx, negative_slope, max_value, threshold):
    begin, end = split_rows(dx, work)
    n = dx.shape[3] * dx.shape[4]
    for row in range(begin, end):
        p, q, r = row_at(dy, row), row_at(x, row), row_at(dx, row)
        for i in range(0, n, VW):
            d, v = load_n(p + i, n - i), load_n(q + i, n - i)
            d = select(v >= threshold, d, d * negative_slope)
            store_n(r + i, select(v >= max_value, like(d, 0.0), d), n - i)
