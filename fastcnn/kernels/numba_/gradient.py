"""All gradients together: penalties, clipping, norms."""

from fastcnn.kernels.checks import SQUARE_SUM_PIECE
from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.helper import helper, scratch
from fastcnn.kernels.numba_.rows import load_n, store_n
from fastcnn.kernels.numba_.share import split
from fastcnn.kernels.numba_.vecmath import maximum, minimum
from fastcnn.kernels.numba_.vector import (
    lane_sum,
    like,
    pointer,
    select,
    splat,
)

__all__ = ["clip_norm", "clip_value", "penalty_gradient", "square_sums"]

PIECE = SQUARE_SUM_PIECE
RUN = 64  # vectors that are summed in float32


@helper
def sign(p):
    one, zero = like(p, 1.0), like(p, 0.0)
    return select(p > 0.0, one, zero) - select(p < 0.0, one, zero)


@helper
def add_penalties(g, p, l1, l2):
    """g + l1 sign(p) + 2 l2 p"""
    return g + (sign(p) * l1 + p * (2.0 * l2))


def penalty_gradient(work, p, g, bounds, penalties):
    for s in range(len(bounds) - 1):
        vectors = -(-(bounds[s + 1] - bounds[s]) // VW)
        begin, end = split(vectors, work)
        for k in range(bounds[s] + begin * VW, min(bounds[s + 1], bounds[s] + end * VW), VW):
            n, at = bounds[s + 1] - k, pointer(g, k)
            old = load_n(pointer(p, k), n)
            store_n(at, add_penalties(load_n(at, n), old, penalties[s, 0], penalties[s, 1]), n)


@helper
def piece_sum(p, begin, end):
    """Sum of squares of p[begin : end], in float64 of short sums in float32."""
    total = 0.0
    for start in range(begin, end, RUN * VW):
        stop, part = min(end, start + RUN * VW), splat(0.0)
        for k in range(start, stop, VW):
            v = load_n(pointer(p, k), stop - k)
            part = part + v * v
        total += lane_sum(part)
    return total


def square_sums(work, p, bounds, squares):
    begin, end = split(len(squares), work)
    number = 0
    for s in range(len(bounds) - 1):
        for start in range(bounds[s], bounds[s + 1], PIECE):
            if begin <= number < end:
                squares[number] = piece_sum(p, start, min(start + PIECE, bounds[s + 1]))
            number += 1


@helper
def segment_norms(bounds, squares, norms):
    """norms[s]: of segment s, from the sums of its pieces. Returns the norm of all."""
    number, total = 0, 0.0
    for s in range(len(bounds) - 1):
        own = 0.0
        for _ in range(bounds[s], bounds[s + 1], PIECE):
            own += squares[number]
            number += 1
        norms[s] = own**0.5
        total += own
    return total**0.5


def clip_value(work, g, limit):
    begin, end = split(-(-len(g) // VW), work)
    for k in range(begin * VW, min(len(g), end * VW), VW):
        v = load_n(pointer(g, k), len(g) - k)
        v = minimum(like(v, limit), maximum(like(v, -limit), v))
        store_n(pointer(g, k), v, len(g) - k)


@scratch(lambda arrays, params: len(arrays["bounds"]))
def clip_norm(work, g, bounds, squares, limit, together):
    norms = work.scratch
    whole = segment_norms(bounds, squares, norms)
    for s in range(len(bounds) - 1):
        norm = whole if together else norms[s]
        if norm <= limit:
            continue
        factor = limit / norm
        begin, end = split(-(-(bounds[s + 1] - bounds[s]) // VW), work)
        for k in range(bounds[s] + begin * VW, min(bounds[s + 1], bounds[s] + end * VW), VW):
            n = bounds[s + 1] - k
            store_n(pointer(g, k), load_n(pointer(g, k), n) * factor, n)
