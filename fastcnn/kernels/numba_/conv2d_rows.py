"""Rows of a convolution's output, forward and of the input's gradient, out of tiles.

Both are the same work: a "valid" convolution over a view that holds its zero border. For the input
gradient at stride s the output falls into s * s phases, each with a subset of the taps; a phase
reads dy pixel by pixel and writes every s-th.

Along a row vectors are runs of floats where pixels follow each other in x and out (the last one
overlaps the one before it), else parts of pixels.
"""

from collections import namedtuple

from fastcnn.kernels.numba_.activation_math import LINEAR, RELU, activate, activate_backward
from fastcnn.kernels.numba_.conv2d_tiles import (
    MOST_OUTS,
    WIDTHS,
    part_tile,
    pooled_tile,
    smaller_tile,
    whole_tile,
)
from fastcnn.kernels.numba_.emit import VW
from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.machine import never_inlined
from fastcnn.kernels.numba_.rows import load_n, store_n
from fastcnn.kernels.numba_.share import balanced, ceil_div, split
from fastcnn.kernels.numba_.tile import as_offsets
from fastcnn.kernels.numba_.vector import (
    pointer,
)

INFINITY = float("inf")

# Strides of a channel, a row and a pixel of x; of a channel of out and y. read_*, write_*: pixels
# between neighbouring ones of a phase. channels, outs: of a group, read and written. zero_top,
# zero_end: rows of x known to be zero.
Job = namedtuple(
    "Job",
    "x_channel x_row lanes out_channel y_channel has_y activation alpha floor groups channels outs"
    " read_h read_w write_h write_w zero_top zero_end",
)
# Taps along one axis: tap j is number first + j step of the kernel and reads, for output pixel m,
# source + m read + j spacing.
Axis = namedtuple("Axis", "count first step source spacing")
# A share's: offsets of the taps in x, chunks of output channels, biases, packed weights.
Memory = namedtuple("Memory", "offsets chunks bias packed")
CHUNK = 3  # int64 of a chunk: first channel, how many, offset of its group in x
# Where a row reads and writes, and which of the taps count.
Row = namedtuple("Row", "x out y begin end taps")


def scratch_floats(w) -> int:
    """Of a share: offsets, chunks and biases (of either direction) and weights."""
    taps = w.shape[2] * w.shape[3]
    return 2 * taps + (1 + 2 * CHUNK) * (w.size // taps) + w.size


@helper
def make_job(x, out, y, activation, alpha, groups, channels, outs, read, write, zeros):
    """y: to multiply by the activation's slope at, or empty. read, write: (vertical, horizontal);

    zeros: rows at the top and bottom of x which are known to be zero."""
    has_y = y.size > 0
    floor = 0.0 if activation == RELU and not has_y else -INFINITY  # ReLU in the tile, or nothing
    return Job(
        x.strides[1] // 4,
        x.strides[2] // 4,
        x.shape[4],
        out.strides[1] // 4,
        y.strides[1] // 4,
        has_y,
        activation,
        alpha,
        floor,
        groups,
        channels,
        outs,
        read[0],
        read[1],
        write[0],
        write[1],
        zeros[0],
        x.shape[2] - zeros[1],
    )


# ---- packing


@helper
def place_memory(work, taps, biases):
    base = pointer(work.scratch, 0)
    bias = base + 2 * (taps + CHUNK * biases)
    return Memory(as_offsets(base), as_offsets(base) + taps, bias, bias + biases)


@helper
def pack(job, axis_y, axis_x, w, kernel_w, steps, memory):
    """Offsets, and weights as [channel chunk][c][tap][channel].

    steps: of w, from group to group, from one written channel to the next, from a read one."""
    never_inlined()
    to = memory.packed
    chunks = ceil_div(job.outs, MOST_OUTS)
    for item in range(job.groups * chunks):
        begin, size = balanced(job.outs, chunks, item % chunks)
        chunk = memory.chunks + item * CHUNK
        chunk[0], chunk[1] = item // chunks * job.outs + begin, size
        chunk[2] = item // chunks * job.channels * job.x_channel
        base = w + (item // chunks * steps[0] + begin * steps[1])
        for c in range(job.channels):
            for ky in range(axis_y.count):
                row = (axis_y.first + ky * axis_y.step) * kernel_w
                for kx in range(axis_x.count):
                    tap = c * steps[2] + row + axis_x.first + kx * axis_x.step
                    for o in range(size):
                        to[o] = base[o * steps[1] + tap]
                    to = to + size
    for ky in range(axis_y.count):
        for kx in range(axis_x.count):
            y, x = axis_y.source + ky * axis_y.spacing, axis_x.source + kx * axis_x.spacing
            memory.offsets[ky * axis_x.count + kx] = y * job.x_row + x * job.lanes


@helper
def live_taps(job, axis_y, axis_x, m, rows):
    """Taps [begin, end) of which the source row holds anything but known zeros."""
    source = axis_y.source + m * job.read_h
    last = source + (rows - 1) * job.read_h
    begin, end = 0, axis_y.count
    while begin < end and last + begin * axis_y.spacing < job.zero_top:
        begin += 1
    while end > begin and source + (end - 1) * axis_y.spacing >= job.zero_end:
        end -= 1
    return begin * axis_x.count, end * axis_x.count


# ---- rows


@helper
def finish(job, out, y, outs, vectors, step, n):
    """What the tile did not do: other activations, or slopes, in place; n elements a vector."""
    never_inlined()
    for o in range(outs):
        for k in range(vectors):
            at = out + (o * job.out_channel + k * step)
            v = load_n(at, n)
            if job.has_y:
                slope_at = load_n(y + (o * job.y_channel + k * step), n)
                v = activate_backward(v, slope_at, job.activation, job.alpha)
            else:
                v = activate(v, job.activation, job.alpha)
            store_n(at, v, n)


@helper
def finished_by_tile(job):
    return job.activation == LINEAR or (job.activation == RELU and not job.has_y)


@helper
def chunk_at(job, memory, row, c, x_at, out_at):
    """Chunk c of the output channels: (the first one, how many, arguments common to all tiles)."""
    chunk = memory.chunks + c * CHUNK
    first, size = chunk[0], chunk[1]
    place = (
        row.x + (x_at + chunk[2]),
        row.out + (out_at + first * job.out_channel),
        memory.bias + first,
        memory.packed + (first * job.channels * row.taps + row.begin * size),
        job.channels,
        job.x_channel,
        memory.offsets,
        row.begin,
        row.end,
        (row.taps - (row.end - row.begin)) * size,
        job.floor,
        job.out_channel,
    )
    return first, size, place


@helper
def run_vectors(job, memory, row, c0, c1, vectors, n, x_step, out_step):
    """`vectors` vectors of a row at equal steps, of which n elements are there, for some chunks.

    The last tile overlaps the one before it."""
    never_inlined()
    largest = ceil_div(job.outs, ceil_div(job.outs, MOST_OUTS))
    wide = n == VW and vectors >= WIDTHS[largest - 1]
    width = WIDTHS[largest - 1] if wide else 1
    for k in range(0, vectors, width):
        at = min(k, vectors - width)
        for c in range(c0, c1):
            first, size, place = chunk_at(job, memory, row, c, at * x_step, at * out_step)
            if not wide:
                part_tile(size - 1, (*place, n))
            elif size == largest:
                whole_tile(largest - 1, (*place, x_step, out_step))
            else:
                smaller_tile(largest - 1, (*place, x_step, out_step))
            if not finished_by_tile(job):
                y = row.y + (at * out_step + first * job.y_channel)
                finish(job, place[1], y, size, width, out_step, n)


@helper
def shifted(row, x, out):
    return Row(row.x + x, row.out + out, row.y + out, row.begin, row.end, row.taps)


@helper
def run_row(job, memory, row, c0, c1, width):
    lanes = job.lanes
    floats = width * lanes
    if job.read_w == 1 and job.write_w == 1:
        run_vectors(job, memory, row, c0, c1, floats // VW, VW, VW, VW)
        if floats >= VW and floats % VW:
            tail = shifted(row, floats - VW, floats - VW)
            run_vectors(job, memory, tail, c0, c1, 1, VW, 0, 0)
        elif floats < VW:
            run_vectors(job, memory, row, c0, c1, 1, floats, 0, 0)
        return
    for part in range(0, lanes, VW):
        at, n = shifted(row, part, part), min(VW, lanes - part)
        run_vectors(job, memory, at, c0, c1, width, n, job.read_w * lanes, job.write_w * lanes)


@helper
def run_phase(work, job, x, out, y, axis_y, axis_x, memory, phase_y, phase_x):
    """This share of the output pixels (phase_y + m write_h, phase_x + n write_w)."""
    height = max(0, ceil_div(out.shape[2] - phase_y, job.write_h))
    width = max(0, ceil_div(out.shape[3] - phase_x, job.write_w))
    chunks = job.groups * ceil_div(job.outs, MOST_OUTS)
    item, end = split(out.shape[0] * height * chunks, work)
    while item < end:
        block, m, c0 = item // chunks // height, item // chunks % height, item % chunks
        c1 = min(chunks, c0 + end - item)
        begins, ends = live_taps(job, axis_y, axis_x, m, 1)
        row_y = phase_y + m * job.write_h
        row = Row(
            pointer(x, block, 0, m * job.read_h),
            pointer(out, block, 0, row_y, phase_x),
            pointer(y, block, 0, row_y, phase_x),
            begins,
            ends,
            axis_y.count * axis_x.count,
        )
        run_row(job, memory, row, c0, c1, width)
        item += c1 - c0


# ---- with max pooling


@helper
def run_pooled(work, job, x, out, index, axis_y, axis_x, memory):
    """This share of the pooled rows; index: where the choices go."""
    chunks, height = job.groups * ceil_div(job.outs, MOST_OUTS), out.shape[2]
    item, end = split(out.shape[0] * height * chunks, work)
    while item < end:
        block, m, c0 = item // chunks // height, item // chunks % height, item % chunks
        c1 = min(chunks, c0 + end - item)
        begins, ends = live_taps(job, axis_y, axis_x, 2 * m, 2)
        to = pointer(out, block, 0, m)
        taps = axis_y.count * axis_x.count
        row = Row(pointer(x, block, 0, 2 * m * job.read_h), to, to, begins, ends, taps)
        choices = pointer(index, block, 0, m)
        run_pooled_row(job, memory, row, c0, c1, out.shape[3], choices, index.strides[1])
        item += c1 - c0


@helper
def run_pooled_row(job, memory, row, c0, c1, width, choices, choice_channel):
    never_inlined()
    right, below = job.read_w * job.lanes, job.read_h * job.x_row
    finished = finished_by_tile(job)
    for pixel in range(width):
        for part in range(0, job.lanes, VW):
            to, at = pixel * job.lanes + part, 2 * pixel * right + part
            for c in range(c0, c1):
                first, size, place = chunk_at(job, memory, row, c, at, to)
                choice = choices + (to + first * choice_channel)
                pooled_tile(size - 1, (*place, right, below, choice, choice_channel))
                if not finished:
                    finish(job, place[1], place[1], size, 1, 0, VW)
