"""Kernels whose row says so give the same bits when they run on one block of images at a time."""

import numpy as np
import pytest

from fastcnn.kernels import new_program
from fastcnn.kernels.native import isas
from fastcnn.kernels.spec import OPS
from tests.kernels.halos import with_halo

BLOCKS = 5
POOLED = {"OH": 3, "OW": 4}
LARGER = {"OH": 12, "OW": 16}
CONVOLVED = {"OH": 4, "OW": 6, "KH": 3, "KW": 3, "KS": 3, "PH": 2, "PW": 3}
SIZES = {"B": BLOCKS, "L": 16, "C": 3, "Cg": 3, "K": 4, "H": 6, "W": 8, "N": 60, "G": 1}
SIZES |= {"AC": 3, "AH": 1, "AW": 8, "DH": 8, "DW": 10} | CONVOLVED
HALO = {"halo_top": 2, "halo_left": 2}  # of the transposed convolution's input
OWN_SIZES = {
    "max_pool2d_forward": POOLED,
    "avg_pool2d_forward": POOLED,
    "maxout_forward": {"K": 2, "C": 4},
    "upsample2d_nearest_forward": LARGER,
    "upsample2d_bilinear_forward": LARGER,
}
CARRIED = [op.name for op in OPS.values() if op.by_block]


def some_arrays(op):
    """Numbers of the row's shapes; activations with halos, so that blocks don't follow closely."""
    rng = np.random.default_rng(0)
    sizes = SIZES | OWN_SIZES.get(op.name, {})
    arrays = {}
    for name in op.tensors:
        shape = tuple(sizes[axis] for axis in op.axes(name))
        kind = {"float": "float32", "pixel": "float32"}.get(op.dtype(name), op.dtype(name))
        values = rng.uniform(0.1, 2, shape).astype(kind)
        if name == "order":
            values = rng.integers(-1, sizes["N"], shape)
        activation = len(shape) == 5 and not op.is_output(name)
        arrays[name] = with_halo(values, (1, 0, 2, 1)) if activation else values
    return arrays


def outputs(op, isa, threads, carried, blocks):
    """What it writes, by name."""
    arrays = some_arrays(op)
    program = new_program("native", isa)
    program.add(op.name, arrays, **{k: v for k, v in HALO.items() if k in op.params})
    if carried:
        program.carry(range(1), BLOCKS, np.zeros(0, np.uint8))
    program.run(blocks, threads)
    return {name: arrays[name] for name in op.tensors if op.is_output(name)}


@pytest.mark.parametrize("isa", isas())
@pytest.mark.parametrize("name", CARRIED)
def test_block_by_block_gives_the_same_bits(name, isa):
    op = OPS[name]
    for blocks in (BLOCKS, BLOCKS - 1):
        whole = outputs(op, isa, 1, False, blocks)
        for threads in (1, 2, 3, 7):
            parts = outputs(op, isa, threads, True, blocks)
            for tensor, value in whole.items():
                np.testing.assert_array_equal(parts[tensor], value, err_msg=f"{tensor}, {threads}")


@pytest.mark.parametrize("name", CARRIED)
def test_all_that_they_write_has_blocks(name):
    op = OPS[name]
    assert all(op.has_blocks(tensor) for tensor in op.tensors if op.is_output(tensor))
