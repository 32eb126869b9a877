"""The inner loop of the dense kernels, whatever their direction: tiles of rows by vectors,

    out[row][vector] += sum over steps k of scalar[row][k] * column[vector][k]

Steps go by in panels whose columns fit the L1 cache. Each sum is made in the order of the steps.
"""

from collections import namedtuple

from fastcnn.kernels.numba_.emit import MANY_REGISTERS
from fastcnn.kernels.numba_.helper import chain, helper
from fastcnn.kernels.numba_.machine import never_inlined
from fastcnn.kernels.numba_.tile import (
    as_offsets,
    fill,
    loads_grid,
    loads_part,
    offsets_at,
    outer,
    splats,
    store_grid,
)
from fastcnn.kernels.numba_.vector import (
    pointer,
    splat,
)

MOST_VECTORS = 4
# Rows of the tiles that there are for 1, 2, 3 and 4 vectors
ROWS = (
    ((12, 4, 1), (12, 4, 1), (8, 3, 1), (6, 3, 1))
    if MANY_REGISTERS
    else ((8, 3, 1), (6, 3, 1), (4, 2, 1), (3, 2, 1))
)
PANEL = 128  # steps; of 4 columns of 16 lanes 32 KB

# scalars: pointer, floats from row to row and from step to step. columns: likewise from step to
# step; those of the vectors, and where they go, stand in Places.
Operands = namedtuple("Operands", "scalars scalar_row scalar_step columns column_step steps")
Places = namedtuple("Places", "columns out")

PLACES = 4 * MOST_VECTORS  # floats of scratch for Places


@helper
def place_offsets(work):
    base = as_offsets(pointer(work.scratch, 0))
    return Places(base, base + MOST_VECTORS)


def make_tile(rows, vectors):
    """Function that adds the products of `steps` steps to out, or writes them (fresh)."""
    size = rows * vectors

    @helper
    def tile(
        scalars, scalar_row, scalar_step, columns, column_at, column_step, steps, out, out_row,
        out_at, fresh, n,
    ):  # fmt: skip
        never_inlined()
        at, to = offsets_at(column_at, vectors), offsets_at(out_at, vectors)
        acc = fill(splat(0.0), size) if fresh else loads_grid(out, out_row, to, rows, n)
        for _ in range(steps):
            acc = outer(acc, splats(scalars, scalar_row, rows), loads_part(columns, at, n))
            scalars, columns = scalars + scalar_step, columns + column_step
        store_grid(out, out_row, to, acc, n)

    return tile


_tiles = [(rows, vectors) for vectors, sizes in enumerate(ROWS, 1) for rows in sizes]
run_tile = chain([make_tile(rows, vectors) for rows, vectors in _tiles])


@helper
def rows_of(vectors):
    """Of the largest tile."""
    return ROWS[vectors - 1][0]


@helper
def tile_number(vectors, left):
    """The largest tile of `vectors` vectors with at most `left` rows: (its number, its rows)."""
    sizes = ROWS[vectors - 1]
    k = 0 if left >= sizes[0] else (1 if left >= sizes[1] else 2)
    return 3 * (vectors - 1) + k, sizes[k]


@helper
def run_rows(places, operands, out, out_row, count, vectors, n):
    """`count` rows of out by `vectors` vectors, of which n elements are there."""
    never_inlined()
    for step in range(0, operands.steps, PANEL):
        steps = min(PANEL, operands.steps - step)
        columns = operands.columns + step * operands.column_step
        row = 0
        while row < count:
            number, rows = tile_number(vectors, count - row)
            at = row * operands.scalar_row + step * operands.scalar_step
            arguments = (
                operands.scalars + at,
                operands.scalar_row,
                operands.scalar_step,
                columns,
                places.columns,
                operands.column_step,
                steps,
                out + row * out_row,
                out_row,
                places.out,
                step == 0,
                n,
            )
            run_tile(number, arguments)
            row += rows
