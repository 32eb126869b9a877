"""All gradients together: penalties, clipping, norms. Flat arrays and segments: see optimizer."""

import numpy as np

from fastcnn.kernels.checks import SQUARE_SUM_PIECE

__all__ = ["clip_norm", "clip_value", "penalty_gradient", "square_sums"]


def penalty_gradient(p, g, bounds, penalties):
    """g += l1 sign(p) + 2 l2 p, with the l1 and l2 of each segment"""
    for s in range(len(bounds) - 1):
        part = slice(bounds[s], bounds[s + 1])
        g[part] += penalties[s, 0] * np.sign(p[part]) + 2 * penalties[s, 1] * p[part]


def _pieces(bounds):
    """(segment, slice) of each piece."""
    for s in range(len(bounds) - 1):
        for start in range(bounds[s], bounds[s + 1], SQUARE_SUM_PIECE):
            yield s, slice(start, min(start + SQUARE_SUM_PIECE, bounds[s + 1]))


def square_sums(p, bounds, squares):
    """squares[c] = sum of p^2 over piece c"""
    for number, (_, piece) in enumerate(_pieces(bounds)):
        squares[number] = (p[piece].astype(np.float64) ** 2).sum()


def segment_sums(bounds, squares):
    """The sum of squares of each segment, from those of its pieces."""
    sums = np.zeros(len(bounds) - 1)
    for number, (s, _) in enumerate(_pieces(bounds)):
        sums[s] += squares[number]
    return sums


def clip_value(g, *, limit):
    """g = min(max(g, -limit), limit)"""
    np.clip(g, -limit, limit, out=g)


def clip_norm(g, bounds, squares, *, limit, together):
    """g *= limit / max(norm, limit), norm that of its segment or of all segments together"""
    sums = segment_sums(bounds, squares)
    norms = np.sqrt(np.full_like(sums, sums.sum()) if together else sums)
    for s, norm in enumerate(norms):
        g[bounds[s] : bounds[s + 1]] *= limit / max(norm, limit)
