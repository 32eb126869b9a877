"""Rows of activations: `width * lanes` floats side by side, whatever the number of lanes is."""

from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.share import split
from fastcnn.kernels.numba_.vector import VW, load, load_part, pointer, store, store_part


@helper
def split_rows(x, share):
    """This share [begin, end) of the rows (of all channels and blocks) of x (B, C, H, W, L)."""
    return split(x.shape[0] * x.shape[1] * x.shape[2], share)


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
