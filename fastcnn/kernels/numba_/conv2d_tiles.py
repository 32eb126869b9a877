"""Tiles of a convolution in registers: OT output channels by some vectors of pixels.

out[o][pixel] += x[c][pixel + tap] * w[o][c][tap], the weights packed as [c][tap][OT]. Functions of
numbers and pointers alone, which are cheap to call and fast to compile; one for each size.

x, out: pointers to the first pixel. bias, w: of the first output channel. channels: of x, x_channel
floats apart. offsets: of the taps in x, of which [begin, end) count. skipped: packed weights from
one channel's last tap that counts to the next one's first. floor: lower bound of the output.
"""

from functools import cache

from fastcnn.kernels.numba_.emit import MANY_REGISTERS
from fastcnn.kernels.numba_.helper import chain, helper
from fastcnn.kernels.numba_.machine import never_inlined
from fastcnn.kernels.numba_.tile import (
    first_maxima,
    loads,
    loads_at,
    loads_part,
    max_each,
    outer,
    repeat_each,
    splats,
    store_parts,
    store_tile,
)
from fastcnn.kernels.numba_.vector import (
    splat,
)

ACCUMULATORS = 24 if MANY_REGISTERS else 12
MOST_OUTS = 6
# Vectors of a tile, by the largest number of output channels that tiles have in a convolution.
WIDTHS = tuple(min(8, ACCUMULATORS // outs) for outs in range(1, MOST_OUTS + 1))


@cache
def make_tile(outs, vectors):
    """Tile of whole vectors, x_step apart in x and out_step in out."""

    @helper
    def tile(
        x, out, bias, w, channels, x_channel, offsets, begin, end, skipped, floor, out_channel,
        x_step, out_step,
    ):  # fmt: skip
        never_inlined()
        sums = repeat_each(splats(bias, 1, outs), vectors)
        for _ in range(channels):
            for tap in range(begin, end):
                columns = loads(x + offsets[tap], x_step, vectors)
                sums = outer(sums, splats(w, 1, outs), columns)
                w = w + outs
            x, w = x + x_channel, w + skipped
        store_tile(out, out_channel, out_step, max_each(sums, splat(floor)), vectors)

    return tile


def make_part(outs):
    """Tile of the first n elements of one vector."""

    @helper
    def tile(
        x, out, bias, w, channels, x_channel, offsets, begin, end, skipped, floor, out_channel, n
    ):
        never_inlined()
        sums = splats(bias, 1, outs)
        for _ in range(channels):
            for tap in range(begin, end):
                columns = loads_part(x, (offsets[tap],), n)
                sums = outer(sums, splats(w, 1, outs), columns)
                w = w + outs
            x, w = x + x_channel, w + skipped
        store_parts(out, out_channel, max_each(sums, splat(floor)), n)

    return tile


def make_pooled(outs):
    """Tile of one vector of 2x2 windows: the maximum goes to out, its place to choice."""

    @helper
    def tile(
        x, out, bias, w, channels, x_channel, offsets, begin, end, skipped, floor, out_channel,
        right, below, choice, choice_channel,
    ):  # fmt: skip
        never_inlined()
        window = (0, right, below, below + right)
        sums = repeat_each(splats(bias, 1, outs), 4)
        for _ in range(channels):
            for tap in range(begin, end):
                columns = loads_at(x + offsets[tap], window)
                sums = outer(sums, splats(w, 1, outs), columns)
                w = w + outs
            x, w = x + x_channel, w + skipped
        best, which = first_maxima(sums)
        store_tile(out, out_channel, 0, max_each(best, splat(floor)), 1)
        store_tile(choice, choice_channel, 0, which, 1)

    return tile


# Called with the number of output channels less 1. In a convolution tiles differ by at most one
# channel, and are as wide as the largest: `smaller_tile` wants the size of that.
_sizes = range(1, MOST_OUTS + 1)
whole_tile = chain([make_tile(outs, WIDTHS[outs - 1]) for outs in _sizes])
smaller_tile = chain([make_tile(max(1, outs - 1), WIDTHS[outs - 1]) for outs in _sizes])
part_tile = chain([make_part(outs) for outs in _sizes])
pooled_tile = chain([make_pooled(outs) for outs in _sizes])
