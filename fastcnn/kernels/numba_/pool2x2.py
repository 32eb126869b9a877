"""Max pooling by 2x2 windows side by side: VW pooled numbers at once, whatever the lanes are.

With fewer than VW lanes a vector holds several pixels: even and odd ones are parted (and joined
again) in registers.
"""

from functools import cache

from fastcnn.kernels.numba_.activation_math import activate_backward
from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.helper import chain, helper
from fastcnn.kernels.numba_.machine import never_inlined
from fastcnn.kernels.numba_.rows import load_n, store_n
from fastcnn.kernels.numba_.share import split
from fastcnn.kernels.numba_.tile import join_groups, part_groups
from fastcnn.kernels.numba_.vector import (
    like,
    pointer,
    select,
    splat,
    to_bytes,
    to_int,
)

GROUPS = tuple(lanes for lanes in (1, 2, 4, 8, 16) if lanes <= VW)


@helper
def fits(image, pooled, window, stride, pad):
    """Whether these are 2x2 windows side by side that lie in the image."""
    square = window == (2, 2) and stride == (2, 2) and pad == (0, 0)
    inside = 2 * pooled.shape[2] <= image.shape[2] and 2 * pooled.shape[3] <= image.shape[3]
    lanes = image.shape[4]
    return square and inside and (lanes % VW == 0 or VW % lanes == 0)


@helper
def places(i, lanes, n):
    """Of pooled numbers i, i + 1, ... of n: where the pixels above begin, from one vector of them

    to the other, and how many there are of each."""
    if lanes >= VW:
        return i // lanes * 2 * lanes + i % lanes, lanes, VW, VW
    return 2 * i, VW, 2 * (n - i), 2 * (n - i) - VW


@helper
def better(v, best):
    """NaN wins over all numbers, as in NumPy's maximum."""
    return (v > best) | ((v != v) & (best == best))


@cache
def make_forward(group):
    @helper
    def forward(top, low, y, index, n, lanes):
        never_inlined()
        zero = to_int(splat(0.0))
        for i in range(0, n, VW):
            at, step, first, second = places(i, lanes, n)
            a, b = load_n(top + at, first), load_n(top + (at + step), max(0, second))
            c, d = load_n(low + at, first), load_n(low + (at + step), max(0, second))
            best, right = part_groups(a, b, group)
            below, last = part_groups(c, d, group)
            wins = better(right, best)
            best, which = select(wins, right, best), select(wins, zero + 1, zero)
            wins = better(below, best)
            best, which = select(wins, below, best), select(wins, zero + 2, which)
            wins = better(last, best)
            best, which = select(wins, last, best), select(wins, zero + 3, which)
            store_n(y + i, best, n - i)
            store_n(index + i, to_bytes(which), n - i)

    return forward


@cache
def make_backward(group):
    @helper
    def backward(dy, index, y, has_y, top, low, n, lanes, activation, alpha):
        never_inlined()
        for i in range(0, n, VW):
            at, step, first, second = places(i, lanes, n)
            d, which = load_n(dy + i, n - i), load_n(index + i, n - i)
            if has_y:
                d = activate_backward(d, load_n(y + i, n - i), activation, alpha)
            zero = like(d, 0.0)
            a, b = select(which == 0, d, zero), select(which == 1, d, zero)
            left, right = join_groups(a, b, group)
            store_n(top + at, left, first)
            store_n(top + (at + step), right, max(0, second))
            a, b = select(which == 2, d, zero), select(which == 3, d, zero)
            left, right = join_groups(a, b, group)
            store_n(low + at, left, first)
            store_n(low + (at + step), right, max(0, second))

    return backward


forward_rows = chain([make_forward(group) for group in GROUPS])
backward_rows = chain([make_backward(group) for group in GROUPS])


@helper
def group_number(lanes):
    for k in range(len(GROUPS)):
        if GROUPS[k] == lanes:
            return k
    return len(GROUPS) - 1


@helper
def forward(work, x, y, index):
    lanes, height = x.shape[4], y.shape[2]
    n, group, each = y.shape[3] * lanes, group_number(lanes), y.shape[1] * height
    begin, end = split(y.shape[0] * each, work)
    for row in range(begin, end):
        b, c, h = row // each, row % each // height, row % height
        rows = (pointer(x, b, c, 2 * h), pointer(x, b, c, 2 * h + 1))
        to = (pointer(y, b, c, h), pointer(index, b, c, h))
        forward_rows(group, (*rows, *to, n, lanes))


@helper
def clear(p, begin, end):
    for i in range(begin, end, VW):
        store_n(p + i, splat(0.0), end - i)


@helper
def backward(work, dy, index, y, dx, activation, alpha):
    lanes, height, width = dx.shape[4], dy.shape[2], dx.shape[3]
    n, group, each = dy.shape[3] * lanes, group_number(lanes), dx.shape[1] * (height + 1)
    begin, end = split(dx.shape[0] * each, work)
    for row in range(begin, end):
        b, c, h = row // each, row % each // (height + 1), row % (height + 1)
        if h == height:  # rows below the last window
            for rest in range(2 * height, dx.shape[2]):
                clear(pointer(dx, b, c, rest), 0, width * lanes)
            continue
        top, low = pointer(dx, b, c, 2 * h), pointer(dx, b, c, 2 * h + 1)
        read = (pointer(dy, b, c, h), pointer(index, b, c, h), pointer(y, b, c, h), y.size > 0)
        backward_rows(group, (*read, top, low, n, lanes, activation, alpha))
        clear(top, 2 * n, width * lanes)
        clear(low, 2 * n, width * lanes)
