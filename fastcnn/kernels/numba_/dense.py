"""Dense layers. Whatever the direction, a tile is some rows of scalars by some vectors,

    out[row][vector] += sum over steps k of scalar[row][k] * column[vector][k]

Steps go by in panels whose columns fit the L2 cache. Each sum is made by one thread, in the order
of the steps.
"""

from collections import namedtuple

from fastcnn.kernels.numba_.activation_math import LINEAR, activate, activate_backward
from fastcnn.kernels.numba_.helper import chain, helper, scratch
from fastcnn.kernels.numba_.machine import never_inlined
from fastcnn.kernels.numba_.rows import load_n, store_n
from fastcnn.kernels.numba_.share import balanced, ceil_div, split
from fastcnn.kernels.numba_.tile import (
    as_offsets,
    fill,
    loads_grid,
    loads_part,
    offsets_at,
    outer,
    splats_at,
    store_grid,
    store_tile,
    transpose,
)
from fastcnn.kernels.numba_.tile import loads as load_rows
from fastcnn.kernels.numba_.vector import MANY_REGISTERS, VW, lane_sum, pointer, splat

__all__ = ["dense_backward_input", "dense_backward_weight", "dense_forward"]

COLUMNS = 4  # most vectors of a tile
ROWS = (12, 12, 8, 6) if MANY_REGISTERS else (8, 6, 4, 3)  # of tiles of 1, 2, ... vectors
MOST_ROWS = max(ROWS)
PANEL = 1024  # steps; 4 columns of 16 lanes are 256 KB then

# scalars: of row 0, with the step from one to the next. columns: of vector 0, likewise.
Operands = namedtuple("Operands", "scalars scalar_step columns column_step steps")
# Offsets of a tile's rows and vectors in the operands and in what it writes.
Places = namedtuple("Places", "scalars out_rows columns out_columns")


def make_tile(rows, vectors):
    """Function that adds the products of `steps` steps to out, or writes them (fresh)."""
    size = rows * vectors

    @helper
    def tile(scalars, scalar_step, columns, column_step, steps, out, places, fresh, n):
        never_inlined()
        scalar_at, out_rows = offsets_at(places[0], rows), offsets_at(places[1], rows)
        column_at, out_columns = offsets_at(places[2], vectors), offsets_at(places[3], vectors)
        acc = fill(splat(0.0), size) if fresh else loads_grid(out, out_rows, out_columns, n)
        for _ in range(steps):
            acc = outer(acc, splats_at(scalars, scalar_at), loads_part(columns, column_at, n))
            scalars, columns = scalars + scalar_step, columns + column_step
        store_grid(out, out_rows, out_columns, acc, n)

    return tile


run_tile = chain([make_tile(rows, vectors) for vectors, rows in enumerate(ROWS, 1)])


@helper
def rows_of(vectors):
    return ROWS[vectors - 1]


@helper
def place_offsets(share):
    """Memory for Places, at the beginning of the share's scratch."""
    base = as_offsets(pointer(share.scratch, 0))
    step = 16
    return Places(base, base + step, base + 2 * step, base + 3 * step)


PLACES = 4 * 16 * 2  # floats of that


def _scratch(arrays, params):
    return PLACES


def _weight_scratch(arrays, params):
    dy = arrays["dy"]
    images = dy.shape[0] * dy.shape[2]
    return PLACES + images * (dy.shape[1] + COLUMNS * VW)


@helper
def list_rows(places, first, rows, count, scalar_row, out_row):
    """Rows from `first` on; beyond the last of `count` it is taken again."""
    for r in range(rows):
        row = min(first + r, count - 1)
        places.scalars[r], places.out_rows[r] = row * scalar_row, row * out_row


@helper
def run_rows(places, operands, out, begin, end, count, strides, vectors, n):
    """Chunks [begin, end) of the rows by `vectors` vectors, panel by panel of the steps.

    strides: from row to row, of scalars and out."""
    never_inlined()
    rows = rows_of(vectors)
    at = (places.scalars, places.out_rows, places.columns, places.out_columns)
    for step in range(0, operands.steps, PANEL):
        steps = min(PANEL, operands.steps - step)
        scalars = operands.scalars + step * operands.scalar_step
        columns = operands.columns + step * operands.column_step
        for chunk in range(begin, end):
            list_rows(places, chunk * rows, rows, count, strides[0], strides[1])
            run_tile(
                vectors - 1,
                (
                    scalars,
                    operands.scalar_step,
                    columns,
                    operands.column_step,
                    steps,
                    out,
                    at,
                    step == 0,
                    n,
                ),
            )


# ---- forward and input gradient: vectors are the lanes of blocks


@helper
def finish(places, out, bias, y, begin, end, vectors, n, activation, alpha, slopes):
    """Bias and activation, or slopes of y, of rows [begin, end)."""
    never_inlined()
    for row in range(begin, end):
        for v in range(vectors):
            at = out.rows * row + places.out_columns[v]
            value = load_n(out.p + at, n)
            if slopes:
                slope_at = y.rows * row + places.scalars[v]
                value = activate_backward(value, load_n(y.p + slope_at, n), activation, alpha)
            else:
                if bias.size:
                    value = value + bias[row]
                value = activate(value, activation, alpha)
            store_n(out.p + at, value, n)


Rows = namedtuple("Rows", "p rows")  # a pointer and the stride of rows


@helper
def lanes_by_rows(share, operands, x, out, y, bias, count, scalar_row, activation, alpha):
    """out[b, row] = f(sum of operands + bias[row]), or times f'(y), for all blocks b of x."""
    lanes, places = x.shape[2], place_offsets(share)
    n = min(VW, lanes)
    parts = ceil_div(lanes, VW)
    vectors = x.shape[0] * parts
    column_chunks = ceil_div(vectors, COLUMNS)
    widest = ceil_div(vectors, max(1, column_chunks))
    row_chunks = ceil_div(count, rows_of(max(1, widest)))
    item, end = split(column_chunks * row_chunks, share)
    while item < end:
        first, size = balanced(vectors, column_chunks, item // row_chunks)
        # Fewer vectors make tiles of more rows; the chunks of rows are those of the widest.
        begin = item % row_chunks
        stop = min(row_chunks, begin + end - item)
        rows = rows_of(widest)
        row_begin, row_end = begin * rows, min(count, stop * rows)
        for v in range(size):
            block, part = (first + v) // parts, (first + v) % parts * VW
            places.columns[v] = block * (x.strides[0] // 4) + part
            places.out_columns[v] = block * (out.strides[0] // 4) + part
        own = Operands(
            operands.scalars + row_begin * scalar_row,
            operands.scalar_step,
            operands.columns,
            operands.column_step,
            operands.steps,
        )
        to = pointer(out, 0, row_begin)
        here, strides = row_end - row_begin, (scalar_row, out.strides[1] // 4)
        chunks = ceil_div(here, rows_of(size))
        run_rows(places, own, to, 0, chunks, here, strides, size, n)
        if y.size:
            for v in range(size):
                block, part = (first + v) // parts, (first + v) % parts * VW
                places.scalars[v] = block * (y.strides[0] // 4) + part
        if y.size or bias.size or activation != LINEAR:
            target = Rows(pointer(out, 0), out.strides[1] // 4)
            source = Rows(pointer(y, 0), y.strides[1] // 4)
            ends = (row_begin, row_end, size, n, activation, alpha, y.size > 0)
            finish(places, target, bias, source, *ends)
        item += stop - begin


@scratch(_scratch)
def dense_forward(share, x, w, b, y, activation, alpha):
    inputs, outs = w.shape[1], w.shape[0]
    operands = Operands(pointer(w, 0), 1, pointer(x, 0), x.strides[1] // 4, inputs)
    lanes_by_rows(share, operands, x, y, x[:0], b, outs, inputs, activation, alpha)


@scratch(_scratch)
def dense_backward_input(share, dy, w, y, dx, activation, alpha):
    inputs, outs = w.shape[1], w.shape[0]
    operands = Operands(pointer(w, 0), inputs, pointer(dy, 0), dy.strides[1] // 4, outs)
    applied = activation if y.size else LINEAR
    lanes_by_rows(share, operands, dy, dx, y, w[:0, 0], inputs, 1, applied, alpha)


# ---- weight gradient: vectors are inputs side by side


@helper
def pack_rows(dy, to):
    """dy (B, O, L) as [output][image]."""
    lanes = dy.shape[2]
    images = dy.shape[0] * lanes
    for b in range(dy.shape[0]):
        for o in range(dy.shape[1]):
            p, q = pointer(dy, b, o), to + (o * images + b * lanes)
            for part in range(lanes):
                q[part] = p[part]


@helper
def pack_columns(x, first, vectors, n, to):
    """`vectors` vectors of inputs from `first` on (n inputs in the last one) as [image][input]."""
    never_inlined()
    lanes, step, width = x.shape[2], x.strides[1] // 4, vectors * VW
    for b in range(x.shape[0]):
        for v in range(vectors):
            p, q = pointer(x, b, first + v * VW), to + (b * lanes * width + v * VW)
            if lanes % VW == 0 and n == VW:
                for part in range(0, lanes, VW):
                    square = transpose(load_rows(p + part, step, VW))
                    store_tile(q + part * width, width, 0, square, 1)
            else:
                for lane in range(lanes):
                    for k in range(n):
                        q[lane * width + k] = p[k * step + lane]


@scratch(_weight_scratch)
def dense_backward_weight(share, x, dy, dw, db):
    outs, inputs = dw.shape[0], dw.shape[1]
    images = dy.shape[0] * dy.shape[2]
    places = place_offsets(share)
    scalars = pointer(share.scratch, 0) + PLACES
    columns = scalars + outs * images
    whole = inputs // VW
    chunks = ceil_div(whole, COLUMNS) + (1 if inputs % VW else 0)
    each = ceil_div(outs, MOST_ROWS)
    item, end = split(chunks * each, share)
    if item < end:
        pack_rows(dy, scalars)
    while item < end:
        chunk, begin = item // each, item % each
        stop = min(each, begin + end - item)
        first, size, n = chunk * COLUMNS, min(COLUMNS, whole - chunk * COLUMNS), VW
        if size <= 0:
            first, size, n = whole, 1, inputs % VW
        pack_columns(x, first * VW, size, n, columns)
        for v in range(size):
            places.columns[v] = places.out_columns[v] = v * VW
        row_begin, row_end = begin * MOST_ROWS, min(outs, stop * MOST_ROWS)
        operands = Operands(scalars + row_begin * images, 1, columns, size * VW, images)
        to, here = pointer(dw, row_begin, first * VW), row_end - row_begin
        strides = (images, inputs)
        run_rows(places, operands, to, 0, ceil_div(here, rows_of(size)), here, strides, size, n)
        item += stop - begin
    if db.size:
        sum_lanes(share, dy, db)


@helper
def sum_lanes(share, dy, db):
    begin, end = split(dy.shape[1], share)
    for o in range(begin, end):
        total = splat(0.0)
        for b in range(dy.shape[0]):
            p = pointer(dy, b, o)
            for part in range(0, dy.shape[2], VW):
                total = total + load_n(p + part, dy.shape[2] - part)
        db[o] = lane_sum(total)
