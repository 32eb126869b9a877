"""Rows of activations: `width * lanes` floats side by side, whatever the number of lanes is."""

from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.share import split
from fastcnn.kernels.numba_.vector import (
    load,
    load_part,
    pointer,
    store,
    store_part,
)


@helper
def split_rows(x, work):
    """This share [begin, end) of the rows (of all channels and blocks) of x (B, C, H, W, L)."""
    return split(x.shape[0] * x.shape[1] * x.shape[2], work)


@helper
def row_at(x, row):
    """Pointer to the row with this number."""
    h = x.shape[2]
    channel = row // h
    return pointer(x, channel // x.shape[1], channel % x.shape[1], row % h)


@helper
def load_n(p, n):
    """A vector of which at most n elements are there."""
    if n >= VW:
        return load(p)
    return load_part(p, n)


@helper
def store_n(p, v, n):
    """Write a vector, at most n elements of it."""
    if n >= VW:
        store(p, v)
    else:
        store_part(p, v, n)


def each_vector(rule):
    """Helper (work, x, y, constants): y = rule(x, constants), on this share of the rows.

    rule: a helper of a vector and the tuple of constants."""

    @helper
    def apply(work, x, y, constants):
        begin, end = split_rows(y, work)
        n = y.shape[3] * y.shape[4]
        for row in range(begin, end):
            p, q = row_at(x, row), row_at(y, row)
            for i in range(0, n, VW):
                store_n(q + i, rule(load_n(p + i, n - i), constants), n - i)

    return apply


def each_pair(rule):
    """Helper (work, x, z, y, constants): y = rule(x, z, constants), likewise of two vectors."""

    @helper
    def apply(work, x, z, y, constants):
        begin, end = split_rows(y, work)
        n = y.shape[3] * y.shape[4]
        for row in range(begin, end):
            p, q, r = row_at(x, row), row_at(z, row), row_at(y, row)
            for i in range(0, n, VW):
                v = rule(load_n(p + i, n - i), load_n(q + i, n - i), constants)
                store_n(r + i, v, n - i)

    return apply
