"""Gradient of the weights of a convolution before a 2x2 max pool, from the pooled gradient.

Of the four pixels of a window only the chosen one has a gradient, in each lane another one. So not
the gradient is spread over four pixels, but x is picked from them: for KW neighbouring taps that is
KW + 1 picks between two rows and KW between two columns, and KW instead of 4 KW multiply-adds.
"""

from functools import cache

from fastcnn.kernels.numba_.activation_math import LINEAR, activate_backward
from fastcnn.kernels.numba_.conv2d_weight import (
    SUMS,
    Job,
    add_bias,
    clear,
    list_offsets,
    list_tile,
    place_memory,
    tile_at,
    write,
)
from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.helper import chain, helper, scratch
from fastcnn.kernels.numba_.machine import never_inlined
from fastcnn.kernels.numba_.share import ceil_div, split
from fastcnn.kernels.numba_.tile import (
    add_lane_sums,
    fill,
    loads,
    loads_at,
    offsets_at,
    picked_outer,
)
from fastcnn.kernels.numba_.vector import (
    load,
    pointer,
    splat,
    store,
)

# (output channels, neighbouring taps) of the tiles there are
SHAPES = ((4, 1), (4, 2), (4, 3), (3, 5))
X_BYTES = 524288  # of x, streamed from L2
DY_BYTES = 16384  # of a chunk of dy, kept in L1


@cache
def make_tile(ot, kw):
    """Function that adds the products of pooled rows [begin, end) to sums; step: between taps."""

    size, columns = ot * kw, kw + 1

    @helper
    def tile(
        x, dy, index, dy_at, index_at, begin, end, live_begin, live_end, rows, strides, width,
        lanes, step, below, sums,
    ):  # fmt: skip
        never_inlined()
        x_block, x_row, dy_block, dy_row, index_block, index_row = strides
        dys, indices = offsets_at(dy_at, ot), offsets_at(index_at, ot)
        acc = fill(splat(0.0), size)
        block, y = begin // rows, begin % rows - 1
        for _ in range(begin, end):
            y += 1
            if y == rows:
                block, y = block + 1, 0
            if y < live_begin or y >= live_end:
                continue
            top = x + (block * x_block + y * x_row)
            d = dy + (block * dy_block + y * dy_row)
            which = index + (block * index_block + y * index_row)
            for part in range(0, lanes, VW):
                for i in range(width):
                    p, at = top + (i * 2 * step + part), i * lanes + part
                    above, under = loads(p, step, columns), loads(p + below, step, columns)
                    chosen = loads_at(which + at, indices)
                    acc = picked_outer(acc, above, under, loads_at(d + at, dys), chosen)
        add_lane_sums(sums, acc)

    return tile


run_tile = chain([make_tile(*shape) for shape in SHAPES])


@helper
def shape_for(kernel_w, stride_w, dilation_w):
    """Number in SHAPES: taps are neighbours if their pixels are those of windows side by side."""
    for number in range(1, len(SHAPES)):
        if SHAPES[number][1] == kernel_w and stride_w == dilation_w:
            return number
    return 0


def scratch_floats(arrays, params) -> int:
    dw, dy, groups = arrays["dw"], arrays["dy"], params["groups"]
    outs, taps = dw.shape[0] // groups, dw.size // dw.shape[0]
    most_ot, least_ot = (choose(ot for ot, _ in SHAPES) for choose in (max, min))
    tiles = groups * -(-outs // least_ot) * taps
    slopes = max(DY_BYTES // 4, most_ot * dy.shape[3] * dy.shape[4])
    return 2 * (taps + 32) + dw.shape[0] * VW + tiles * SUMS + slopes


@helper
def apply_slopes(job, memory, tile, dy, y, to, begin, end, activation, alpha):
    """dy f'(y) of the tile's channels, rows [begin, end), packed as [channel][row]."""
    never_inlined()
    n = job.cols * job.lanes
    for o in range(job.ot):
        memory.tile_dy[o] = min(o, job.outs - 1 - tile.out) * (end - begin) * n
    for o in range(min(job.ot, job.outs - tile.out)):
        channel = tile.group * job.outs + tile.out + o
        for row in range(begin, end):
            block, line = row // job.rows, row % job.rows
            p, q = pointer(dy, block, channel, line), pointer(y, block, channel, line)
            for i in range(0, n, VW):
                store(to, activate_backward(load(p + i), load(q + i), activation, alpha))
                to = to + VW


@helper
def make_job(x, dy, dw, groups, stride_h, dilation_h, zero_top, zero_bottom, shape):
    """The pooled rows are its rows; a row of windows is 2 stride_h rows of x."""
    ot, kw = SHAPES[shape]
    n, channels = dy.shape[3] * dy.shape[4], x.shape[1] // groups
    x_rows = X_BYTES // max(1, channels * n * 8) - dw.shape[2] + 1
    strip = max(1, min(x_rows // 2, DY_BYTES // max(1, ot * n * 4)))
    return Job(
        x.strides[0] // 4,
        x.strides[2] // 4,
        x.shape[4],
        dy.strides[0] // 4,
        dy.strides[1] // 4,
        dy.strides[2] // 4,
        dy.shape[2],
        dy.shape[3],
        groups,
        dw.shape[0] // groups,
        dw.shape[1] * dw.shape[2] * dw.shape[3],
        dw.shape[2],
        dw.shape[3],
        2 * stride_h,
        0,
        dilation_h,
        zero_top - stride_h,
        x.shape[2] - zero_bottom,
        ot,
        kw,
        False,
        strip,
    )


@scratch(scratch_floats)
def conv2d_max_pool_backward_weight(
    work,
    x,
    dy,
    y,
    index,
    dw,
    db,
    stride_h,
    stride_w,
    dilation_h,
    dilation_w,
    groups,
    zero_top,
    zero_bottom,
    activation,
    alpha,
):
    shape = shape_for(dw.shape[3], stride_w, dilation_w)
    job = make_job(x, dy, dw, groups, stride_h, dilation_h, zero_top, zero_bottom, shape)
    memory = place_memory(work, job.taps, dw.shape[0])
    lanes = job.lanes
    steps = (x.strides[1] // 4, dilation_h * job.x_row, dilation_w * lanes)
    list_offsets(memory, job.taps, job.kernel_h, job.kernel_w, *steps)
    tiles = groups * ceil_div(job.outs, job.ot) * ceil_div(job.taps, job.kt)
    slopes = memory.sums + tiles * SUMS
    begin, end = split(tiles, work)
    clear(job, memory, begin, end)
    rows = x.shape[0] * job.rows
    for row in range(0, rows, job.strip):
        stop = min(rows, row + job.strip)
        for number in range(begin, end):
            tile = tile_at(job, number)
            list_tile(job, memory, tile)
            for o in range(job.ot):
                memory.tile_x[o + 8] = min(tile.out + o, job.outs - 1) * index.strides[1]
            p = pointer(x, 0, tile.group * dw.shape[1]) + memory.tile_x[0]
            d = pointer(dy, 0, tile.group * job.outs)
            dy_block, dy_row = job.dy_block, job.dy_row
            if activation != LINEAR:
                n = job.cols * lanes
                apply_slopes(job, memory, tile, dy, y, slopes, row, stop, activation, alpha)
                d, dy_block, dy_row = slopes + (-row * n), job.rows * n, n
            place = (p, d, pointer(index, 0, tile.group * job.outs), memory.tile_dy)
            rest = (memory.tile_x + 8, row, stop, tile.live_begin, tile.live_end, job.rows)
            across = (job.x_block, job.stride_h * job.x_row, dy_block, dy_row)
            strides = (*across, index.strides[0], index.strides[2])
            below = stride_h * job.x_row
            shapes = (strides, job.cols, lanes, stride_w * lanes, below)
            run_tile(shape, (*place, *rest, *shapes, memory.sums + number * SUMS))
            if tile.tap == 0 and db.size:
                add_bias(job, memory, tile, d, dy_block, dy_row, row, stop)
    write(job, memory, begin, end, pointer(dw, 0), db)
