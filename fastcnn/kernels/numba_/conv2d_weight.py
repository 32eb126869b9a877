"""Gradient of a convolution's weights: dw[o][c][tap] = sum of dy[o][pixel] * x[c][pixel + tap].

A tile is OT output channels x KT (channel, tap) pairs, held in registers while vectors of pixels
stream by; at the edges of dw it computes the last ones again, and drops them. The lanes are added
up once a strip of rows; a strip depends on the shapes alone. Each tile is summed by one thread in
the order of the rows.
"""

from collections import namedtuple
from functools import cache

from fastcnn.kernels.numba_.emit import MANY_REGISTERS, VW
from fastcnn.kernels.numba_.helper import chain, helper, scratch
from fastcnn.kernels.numba_.machine import never_inlined
from fastcnn.kernels.numba_.rows import load_n
from fastcnn.kernels.numba_.share import ceil_div, split
from fastcnn.kernels.numba_.tile import (
    add_lane_sums,
    as_offsets,
    fill,
    loads_at,
    loads_part,
    offsets_at,
    outer,
)
from fastcnn.kernels.numba_.vector import (
    lane_sum,
    load,
    pointer,
    splat,
    store,
)

# (output channels, taps) of the tiles there are
SHAPES = (
    ((5, 5), (4, 6), (4, 5), (3, 8), (8, 3), (2, 8), (1, 8), (1, 5))
    if MANY_REGISTERS
    else ((3, 3), (2, 5), (1, 8), (1, 5), (4, 2))
)
SUMS = 32  # floats of a tile
STRIP_BYTES = 524288  # of the operand that is streamed from L2
KEPT_BYTES = 131072  # of the chunk which it is streamed past

# Strides in floats. rows: of dy in a block; outs, taps: of a group.
Job = namedtuple(
    "Job",
    "x_block x_row lanes dy_block dy_channel dy_row rows cols groups outs taps kernel_h kernel_w"
    " stride_h stride_w dilation_h zero_top zero_end ot kt taps_outside strip",
)
# First output channel and tap of a group; the rows of dy for which not all taps lie on zeros.
Tile = namedtuple("Tile", "group out tap live_begin live_end")
# A share's: offsets of all taps in x, of a tile's taps and channels; sums of tiles and of biases.
Memory = namedtuple("Memory", "offsets tile_x tile_dy bias sums")


def tile_count(outs: int, taps: int, ot: int, kt: int) -> int:
    return -(-outs // ot) * -(-taps // kt)


def scratch_floats(dw, groups: int) -> int:
    outs, taps = dw.shape[0] // groups, dw.size // dw.shape[0]
    most = max(tile_count(outs, taps, *shape) for shape in SHAPES)
    return 2 * (taps + 32) + dw.shape[0] * VW + groups * most * SUMS


@helper
def place_memory(work, taps, outs):
    base = pointer(work.scratch, 0)
    offsets = as_offsets(base)
    bias = base + 2 * (taps + 32)
    return Memory(offsets, offsets + taps, offsets + taps + 16, bias, bias + outs * VW)


# ---- tiles


@cache
def make_tile(ot, kt):
    """Function that adds the products of rows [begin, end) of dy, and their pixels of x, to sums.

    Vectors: `parts` runs of `count`, then `tails` of which the first `tail` elements are there."""

    size = ot * kt

    @helper
    def tile(
        x, dy, x_at, dy_at, begin, end, job, live_begin, live_end, parts, count, x_step, dy_step,
        tails, tail, x_tail, dy_tail, sums,
    ):  # fmt: skip
        never_inlined()
        rows, x_block, x_row, dy_block, dy_row = job
        xs, dys = offsets_at(x_at, kt), offsets_at(dy_at, ot)
        acc = fill(splat(0.0), size)
        block, y = begin // rows, begin % rows - 1
        for _ in range(begin, end):
            y += 1
            if y == rows:
                block, y = block + 1, 0
            if y < live_begin or y >= live_end:
                continue
            p = x + (block * x_block + y * x_row)
            q = dy + (block * dy_block + y * dy_row)
            for part in range(parts):
                for i in range(count):
                    left = loads_at(q + (i * dy_step + part * VW), dys)
                    acc = outer(acc, left, loads_at(p + (i * x_step + part * VW), xs))
            for i in range(tails):
                left = loads_part(q + (i * dy_step + dy_tail), dys, tail)
                acc = outer(acc, left, loads_part(p + (i * x_step + x_tail), xs, tail))
        add_lane_sums(sums, acc)

    return tile


run_tile = chain([make_tile(*shape) for shape in SHAPES])


@helper
def run_rows(shape, job, x, dy, tile, memory, begin, end, sums):
    """Rows [begin, end) of one tile, whose offsets are listed."""
    lanes, floats = job.lanes, job.cols * job.lanes
    strides = (job.rows, job.x_block, job.stride_h * job.x_row, job.dy_block, job.dy_row)
    if job.stride_w == 1:
        whole = floats // VW * VW
        vectors = (1, floats // VW, VW, VW, 1 if floats % VW else 0, floats % VW, whole, whole)
    else:
        whole = lanes // VW * VW
        tails = job.cols if lanes % VW else 0
        step = job.stride_w * lanes
        vectors = (lanes // VW, job.cols, step, lanes, tails, lanes % VW, whole, whole)
    place = (x, dy, memory.tile_x, memory.tile_dy, begin, end, strides)
    run_tile(shape, (*place, tile.live_begin, tile.live_end, *vectors, sums))


# ---- plan: follows from the shapes alone


@helper
def list_offsets(memory, taps, kernel_h, kernel_w, x_channel, row_step, column_step):
    area = kernel_h * kernel_w
    for k in range(taps):
        at = k // area * x_channel + k % area // kernel_w * row_step + k % kernel_w * column_step
        memory.offsets[k] = at


@helper
def choose_shape(outs, taps):
    """The tile with the least work, then the fewest loads, as a number in SHAPES."""
    best, most, fewest = 0, -1, -1
    for k in range(len(SHAPES)):
        ot, kt = SHAPES[k]
        tiles = ceil_div(outs, ot) * ceil_div(taps, kt)
        work, loads = tiles * ot * kt, tiles * (ot + kt)
        if most < 0 or work < most or (work == most and loads < fewest):
            best, most, fewest = k, work, loads
    return best


@helper
def strip_rows(ot, kt, x_width, channels, lanes, cols, outs, area, stride_h):
    """(rows of a strip, whether the loop over taps is the outer one): the operand with fewer bytes

    a row is streamed from L2 again and again, past chunks of the other one."""
    dy_channel = cols * lanes * 4
    x_channel = x_width * lanes * stride_h * 4
    x_row, dy_row = channels * x_channel, outs * dy_channel
    taps_outside = x_row > dy_row
    kept = (kt // area + 1) * x_channel if taps_outside else ot * dy_channel
    rows = min(STRIP_BYTES // max(1, min(x_row, dy_row)), KEPT_BYTES // max(1, kept))
    return max(1, rows), taps_outside


@helper
def tile_at(job, index):
    out_chunks, tap_chunks = ceil_div(job.outs, job.ot), ceil_div(job.taps, job.kt)
    chunks = out_chunks * tap_chunks
    inside = index % chunks
    out = inside % out_chunks if job.taps_outside else inside // tap_chunks
    tap = inside // out_chunks if job.taps_outside else inside % tap_chunks
    tap *= job.kt
    low, high = job.kernel_h, 0
    for k in range(tap, min(job.taps, tap + job.kt)):
        ky = k // job.kernel_w % job.kernel_h
        low, high = min(low, ky), max(high, ky)
    begin, end = 0, job.rows
    while begin < end and begin * job.stride_h + high * job.dilation_h < job.zero_top:
        begin += 1
    while end > begin and (end - 1) * job.stride_h + low * job.dilation_h >= job.zero_end:
        end -= 1
    return Tile(index // chunks, out * job.ot, tap, begin, end)


@helper
def list_tile(job, memory, tile):
    """Offsets of the tile's taps, and of its channels."""
    for k in range(job.kt):
        memory.tile_x[k] = memory.offsets[min(tile.tap + k, job.taps - 1)]
    for o in range(job.ot):
        memory.tile_dy[o] = min(tile.out + o, job.outs - 1) * job.dy_channel


@helper
def clear(job, memory, begin, end):
    for index in range(begin, end):
        for k in range(SUMS):
            memory.sums[index * SUMS + k] = 0.0
    for k in range(job.groups * job.outs * VW):
        memory.bias[k] = 0.0


@helper
def add_bias(job, memory, tile, dy, dy_block, dy_row, begin, end):
    """Rows [begin, end) of the tile's channels (at memory.tile_dy from dy), a vector for each."""
    never_inlined()
    n = job.cols * job.lanes
    for o in range(min(job.ot, job.outs - tile.out)):
        to = memory.bias + (tile.group * job.outs + tile.out + o) * VW
        total = load(to)
        for row in range(begin, end):
            p = dy + (row // job.rows * dy_block + memory.tile_dy[o] + row % job.rows * dy_row)
            for i in range(0, n, VW):
                total = total + load_n(p + i, n - i)
        store(to, total)


@helper
def write(job, memory, begin, end, dw, db):
    """What the tiles [begin, end) own of dw (K, taps), and of db."""
    for index in range(begin, end):
        tile = tile_at(job, index)
        for o in range(tile.out, min(job.outs, tile.out + job.ot)):
            channel = tile.group * job.outs + o
            for k in range(tile.tap, min(job.taps, tile.tap + job.kt)):
                place = index * SUMS + (o - tile.out) * job.kt + k - tile.tap
                dw[channel * job.taps + k] = memory.sums[place]
            if tile.tap == 0 and db.size:
                db[channel] = lane_sum(load(memory.bias + channel * VW))


@scratch(lambda arrays, params: scratch_floats(arrays["dw"], params["groups"]))
def conv2d_backward_weight(
    work,
    x,
    dy,
    dw,
    db,
    stride_h,
    stride_w,
    dilation_h,
    dilation_w,
    groups,
    zero_top,
    zero_bottom,
):
    outs, channels = dw.shape[0] // groups, dw.shape[1]
    area = dw.shape[2] * dw.shape[3]
    taps, lanes = channels * area, x.shape[4]
    shape = choose_shape(outs, taps)
    ot, kt = SHAPES[shape]
    strip, taps_outside = strip_rows(
        ot, kt, x.shape[3], channels, lanes, dy.shape[3], outs, area, stride_h
    )
    job = Job(
        x.strides[0] // 4,
        x.strides[2] // 4,
        lanes,
        dy.strides[0] // 4,
        dy.strides[1] // 4,
        dy.strides[2] // 4,
        dy.shape[2],
        dy.shape[3],
        groups,
        outs,
        taps,
        dw.shape[2],
        dw.shape[3],
        stride_h,
        stride_w,
        dilation_h,
        zero_top,
        x.shape[2] - zero_bottom,
        ot,
        kt,
        taps_outside,
        strip,
    )
    memory = place_memory(work, taps, dw.shape[0])
    x_channel, x_row = x.strides[1] // 4, x.strides[2] // 4
    list_offsets(
        memory, taps, dw.shape[2], dw.shape[3], x_channel, dilation_h * x_row, dilation_w * lanes
    )
    begin, end = split(groups * ceil_div(outs, ot) * ceil_div(taps, kt), work)
    clear(job, memory, begin, end)
    rows = x.shape[0] * job.rows
    for row in range(0, rows, strip):
        stop = min(rows, row + strip)
        for index in range(begin, end):
            tile = tile_at(job, index)
            list_tile(job, memory, tile)
            p = pointer(x, 0, tile.group * channels)
            q = pointer(dy, 0, tile.group * outs)
            run_rows(shape, job, p, q, tile, memory, row, stop, memory.sums + index * SUMS)
            if tile.tap == 0 and db.size:
                add_bias(job, memory, tile, q, job.dy_block, job.dy_row, row, stop)
    write(job, memory, begin, end, pointer(dw, 0), db)
