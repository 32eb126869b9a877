"""Dense layers. Vectors are images side by side forward, inputs side by side backward."""

from fastcnn.kernels.numba_.activation_math import LINEAR, activate, activate_backward
from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.gemm import (
    MOST_VECTORS,
    PLACES,
    Operands,
    place_offsets,
    rows_of,
    run_rows,
)
from fastcnn.kernels.numba_.helper import helper, scratch
from fastcnn.kernels.numba_.machine import never_inlined
from fastcnn.kernels.numba_.rows import load_n, store_n
from fastcnn.kernels.numba_.share import balanced, ceil_div, split
from fastcnn.kernels.numba_.tile import loads, store_tile, transpose
from fastcnn.kernels.numba_.vector import (
    lane_sum,
    pointer,
    splat,
)

__all__ = ["dense_backward_input", "dense_backward_weight", "dense_forward"]

# Vectors of inputs that the input gradient makes at once: tiles of 8 rows then, for 8 or 16 lanes.
INPUT_VECTORS = 3


# ---- forward


@helper
def finish(out, out_row, bias, begin, end, places, vectors, n, activation, alpha):
    """Bias and activation of rows [begin, end)."""
    never_inlined()
    for row in range(begin, end):
        for v in range(vectors):
            at = out + (row * out_row + places.out[v])
            value = load_n(at, n)
            if bias.size:
                value = value + bias[row]
            store_n(at, activate(value, activation, alpha), n)


@scratch(lambda arrays, params: PLACES)
def dense_forward(work, x, w, b, y, activation, alpha, packed):
    lanes, inputs, places = x.shape[2], w.shape[1], place_offsets(work)
    parts, y_row = ceil_div(lanes, VW), y.strides[1] // 4
    vectors = x.shape[0] * parts
    chunks = ceil_div(vectors, MOST_VECTORS)
    rows = rows_of(max(1, ceil_div(vectors, max(1, chunks))))
    row_chunks = ceil_div(w.shape[0], rows)
    item, end = split(chunks * row_chunks, work)
    while item < end:
        first, size = balanced(vectors, chunks, item // row_chunks)
        begin = item % row_chunks
        stop = min(row_chunks, begin + end - item)
        for v in range(size):
            block, part = (first + v) // parts, (first + v) % parts * VW
            places.columns[v] = block * (x.strides[0] // 4) + part
            places.out[v] = block * (y.strides[0] // 4) + part
        row_begin, row_end = begin * rows, min(w.shape[0], stop * rows)
        scalars = pointer(w, row_begin)
        operands = Operands(scalars, inputs, 1, pointer(x, 0), x.strides[1] // 4, inputs)
        n, count = min(VW, lanes), row_end - row_begin
        run_rows(places, operands, pointer(y, 0, row_begin), y_row, count, size, n)
        if b.size or activation != LINEAR:
            ends = (row_begin, row_end, places, size, n, activation, alpha)
            finish(pointer(y, 0), y_row, b, *ends)
        item += stop - begin


# ---- input gradient


@helper
def pack_weights(w, first, vectors, n, to):
    """`vectors` vectors of inputs from `first` on (n inputs in the last one) as [output][input]"""
    for o in range(w.shape[0]):
        p = pointer(w, o, first)
        for v in range(vectors):
            store_n(to + v * VW, load_n(p + v * VW, n), VW)
        to = to + vectors * VW


@helper
def unpack_inputs(made, first, vectors, n, dx, b):
    """made [lane][input] to dx[b, first + input, lane]"""
    lanes, width, step = dx.shape[2], vectors * VW, dx.strides[1] // 4
    for v in range(vectors):
        p, q = made + v * VW, pointer(dx, b, first + v * VW)
        if lanes % VW == 0 and n == VW:
            for part in range(0, lanes, VW):
                square = transpose(loads(p + part * width, width, VW))
                store_tile(q + part, step, 0, square, 1)
        else:
            for lane in range(lanes):
                for k in range(n):
                    q[k * step + lane] = p[lane * width + k]


@helper
def apply_slopes(dx, y, b, begin, end, activation, alpha):
    never_inlined()
    lanes = dx.shape[2]
    for row in range(begin, end):
        p, q = pointer(dx, b, row), pointer(y, b, row)
        for i in range(0, lanes, VW):
            n = lanes - i
            v = activate_backward(load_n(p + i, n), load_n(q + i, n), activation, alpha)
            store_n(p + i, v, n)


@helper
def vector_chunks(count, most):
    """Chunks of at most `most` vectors; a last vector that is not full has one of its own."""
    return ceil_div(count // VW, most) + (1 if count % VW else 0)


@helper
def vector_chunk(count, most, chunk):
    """(first element, vectors, elements of a vector) of a chunk"""
    whole = count // VW
    size = min(most, whole - chunk * most)
    if size <= 0:
        return whole * VW, 1, count % VW
    return chunk * most * VW, size, VW


def _input_scratch(arrays, params):
    dy = arrays["dy"]
    return PLACES + (dy.shape[1] + dy.shape[2]) * INPUT_VECTORS * VW


@scratch(_input_scratch)
def dense_backward_input(work, dy, w, y, dx, activation, alpha):
    outs, inputs, lanes, places = w.shape[0], w.shape[1], dy.shape[2], place_offsets(work)
    columns = pointer(work.scratch, 0) + PLACES
    made = columns + outs * INPUT_VECTORS * VW
    for v in range(INPUT_VECTORS):
        places.columns[v] = places.out[v] = v * VW
    begin, end = split(vector_chunks(inputs, INPUT_VECTORS), work)
    for chunk in range(begin, end):
        first, size, n = vector_chunk(inputs, INPUT_VECTORS, chunk)
        width = size * VW
        pack_weights(w, first, size, n, columns)
        for b in range(dy.shape[0]):
            scalars = pointer(dy, b, 0)
            operands = Operands(scalars, 1, dy.strides[1] // 4, columns, width, outs)
            run_rows(places, operands, made, width, lanes, size, VW)
            unpack_inputs(made, first, size, n, dx, b)
            if y.size:
                last = first + (size - 1) * VW + n
                apply_slopes(dx, y, b, first, last, activation, alpha)


# ---- weight gradient


@helper
def pack_gradients(dy, to):
    """dy (B, O, L) as [output][image]"""
    lanes = dy.shape[2]
    images = dy.shape[0] * lanes
    for b in range(dy.shape[0]):
        for o in range(dy.shape[1]):
            p, q = pointer(dy, b, o), to + (o * images + b * lanes)
            for part in range(0, lanes, VW):
                store_n(q + part, load_n(p + part, lanes - part), lanes - part)


@helper
def pack_inputs(x, first, vectors, n, to):
    """`vectors` vectors of inputs from `first` on (n inputs in the last one) as [image][input]"""
    never_inlined()
    lanes, step, width = x.shape[2], x.strides[1] // 4, vectors * VW
    for b in range(x.shape[0]):
        for v in range(vectors):
            p, q = pointer(x, b, first + v * VW), to + (b * lanes * width + v * VW)
            if lanes % VW == 0 and n == VW:
                for part in range(0, lanes, VW):
                    square = transpose(loads(p + part, step, VW))
                    store_tile(q + part * width, width, 0, square, 1)
            else:
                for lane in range(lanes):
                    for k in range(n):
                        q[lane * width + k] = p[k * step + lane]


def _weight_scratch(arrays, params):
    dy = arrays["dy"]
    images = dy.shape[0] * dy.shape[2]
    return PLACES + images * (dy.shape[1] + MOST_VECTORS * VW)


@scratch(_weight_scratch)
def dense_backward_weight(work, x, dy, dw, db):
    outs, inputs, places = dw.shape[0], dw.shape[1], place_offsets(work)
    images, rows = dy.shape[0] * dy.shape[2], rows_of(MOST_VECTORS)
    scalars = pointer(work.scratch, 0) + PLACES
    columns = scalars + outs * images
    for v in range(MOST_VECTORS):
        places.columns[v] = places.out[v] = v * VW
    row_chunks = ceil_div(outs, rows)
    item, end = split(vector_chunks(inputs, MOST_VECTORS) * row_chunks, work)
    if item < end:
        pack_gradients(dy, scalars)
    while item < end:
        first, size, n = vector_chunk(inputs, MOST_VECTORS, item // row_chunks)
        begin = item % row_chunks
        stop = min(row_chunks, begin + end - item)
        pack_inputs(x, first, size, n, columns)
        row = begin * rows
        operands = Operands(scalars + row * images, images, 1, columns, size * VW, images)
        count = min(outs, stop * rows) - row
        run_rows(places, operands, pointer(dw, row, first), inputs, count, size, n)
        item += stop - begin
    if db.size:
        sum_lanes(work, dy, db)


@helper
def sum_lanes(work, dy, db):
    begin, end = split(dy.shape[1], work)
    for o in range(begin, end):
        total = splat(0.0)
        for b in range(dy.shape[0]):
            p = pointer(dy, b, o)
            for part in range(0, dy.shape[2], VW):
                total = total + load_n(p + part, dy.shape[2] - part)
        db[o] = lane_sum(total)
