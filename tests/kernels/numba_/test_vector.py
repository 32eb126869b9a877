"""Vectors inside Numba functions, against NumPy."""

import numba
import numpy as np
import pytest

from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.tile import join_groups, part_groups, store_tile, transpose
from fastcnn.kernels.numba_.tile import loads as load_rows
from fastcnn.kernels.numba_.vector import (
    bits_mask,
    fabs,
    first,
    fma,
    lane_numbers,
    lane_sum,
    like,
    load,
    load_part,
    mask_bits,
    multiply_wide,
    pointer,
    select,
    splat,
    sqrt,
    store,
    store_part,
    to_bytes,
    to_float,
    to_int,
)

X = np.linspace(-3, 4, VW, dtype=np.float32)
Y = np.random.default_rng(0).uniform(0.5, 2, VW).astype(np.float32)


def made(function, *arrays, dtype=np.float32):
    """What a function (input pointers) -> vector yields."""
    rule = numba.njit(function)

    @numba.njit
    def run(out, a, b):
        store(pointer(out), rule(pointer(a), pointer(b)))

    out = np.empty(VW, dtype)
    run(out, *(arrays or (X, Y)))
    return out


OPERATORS = {
    "sum": (lambda p, q: load(p) + load(q) + 1.0, X + Y + 1),
    "difference": (lambda p, q: 2.0 - load(p) - load(q), 2 - X - Y),
    "product": (lambda p, q: -load(p) * load(q) * 3, -X * Y * 3),
    "quotient": (lambda p, q: load(p) / load(q), X / Y),
    "select": (lambda p, q: select(load(p) > 0.0, load(p), load(q)), np.where(X > 0, X, Y)),
    "both": (
        lambda p, q: select((load(p) >= -1.0) & (load(p) < load(q)), like(load(p), 7), load(q)),
        np.where((X >= -1) & (X < Y), 7, Y),
    ),
    "fma": (lambda p, q: fma(load(p), load(q), splat(1.0)), X * Y + 1),
    "root": (lambda p, q: sqrt(fabs(load(p))), np.sqrt(np.abs(X))),
    "whole": (
        lambda p, q: to_float((to_int(load(q) * 9.0) << 2) & 12),
        (Y * 9).astype(int) * 4 & 12,
    ),
    "lanes": (lambda p, q: to_float(lane_numbers()), np.arange(VW)),
    "moved": (lambda p, q: load_part(p + 2, VW - 2), np.append(X[2:], [0, 0])),
    "first": (lambda p, q: select(first(3), load(p), load(q)), np.append(X[:3], Y[3:])),
    "bits": (
        lambda p, q: select(bits_mask(5), load(p), load(q)),
        np.array([X[0], Y[1], X[2], *Y[3:]]),
    ),
    "there_and_back": (
        lambda p, q: select(bits_mask(mask_bits(load(p) > 0.0)), load(p), load(q)),
        np.where(X > 0, X, Y),
    ),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators(name):
    function, wanted = OPERATORS[name]
    np.testing.assert_allclose(made(function), wanted, rtol=1e-6)


def test_float64_and_bytes():
    x, y = X.astype(np.float64), Y.astype(np.float64)
    got = made(lambda p, q: load(p) * load(q) + 1.0, x, y, dtype=np.float64)
    np.testing.assert_array_equal(got, x * y + 1)
    numbers = np.arange(VW, dtype=np.uint8) + 240
    got = made(lambda p, q: to_bytes(to_int(load(p)) + 1), numbers, numbers, dtype=np.uint8)
    np.testing.assert_array_equal(got, (numbers + 1).astype(np.uint8))


def test_elements_and_sums():
    @numba.njit
    def run(x):
        p = pointer(x, 1)
        p[0] = lane_sum(load(p)) + p[1]
        return p[0]

    x = np.arange(2 * VW, dtype=np.float32).reshape(2, VW)
    wanted = x[1].sum() + x[1, 1]
    assert run(x) == wanted == x[1, 0]


def test_parts_of_vectors_touch_nothing_else():
    @numba.njit
    def run(x, n):
        store_part(pointer(x), splat(1.0), n)

    for n in range(VW + 1):
        x = np.zeros(VW, np.float32)
        run(x, n)
        assert x.tolist() == [1.0] * n + [0.0] * (VW - n)


def test_wide_products():
    a = np.random.default_rng(1).integers(0, 2**32, VW, dtype=np.uint32)
    b = a[::-1].copy()

    @numba.njit
    def run(a, b, high, low):
        h, w = multiply_wide(load(pointer(a)), load(pointer(b)))
        store(pointer(high), h)
        store(pointer(low), w)

    high, low = np.empty_like(a), np.empty_like(a)
    run(a, b, high, low)
    product = a.astype(np.uint64) * b
    np.testing.assert_array_equal(high, product >> np.uint64(32))
    np.testing.assert_array_equal(low, product.astype(np.uint32))


def test_transpose():
    @numba.njit
    def run(x, y):
        store_tile(pointer(y), VW, 0, transpose(load_rows(pointer(x), VW, VW)), 1)

    x = np.random.default_rng(2).normal(size=(VW, VW)).astype(np.float32)
    y = np.empty_like(x)
    run(x, y)
    np.testing.assert_array_equal(y, x.T)


@pytest.mark.parametrize("group", [g for g in (1, 2, 4, 8) if g < VW])
def test_groups_are_parted_and_joined(group):
    @numba.njit
    def run(x, parted, joined):
        a, b = load(pointer(x)), load(pointer(x, VW))
        even, odd = part_groups(a, b, group)
        store(pointer(parted), even)
        store(pointer(parted, VW), odd)
        a, b = join_groups(even, odd, group)
        store(pointer(joined), a)
        store(pointer(joined, VW), b)

    x = np.arange(2 * VW, dtype=np.float32)
    parted, joined = np.empty_like(x), np.empty_like(x)
    run(x, parted, joined)
    groups = x.reshape(-1, 2, group)
    np.testing.assert_array_equal(parted, np.concatenate([groups[:, k].ravel() for k in (0, 1)]))
    np.testing.assert_array_equal(joined, x)
