"""Runs of steps through which blocks of images are carried one by one, in a core's cache.

A thread takes a block through all steps of a run before it takes the next one. So what the steps
hand on to each other stays in its cache, and needs room for one block a thread, not for all.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fastcnn.engine.tensor import Buffer
from fastcnn.kernels.spec import OPS

Step = tuple[str, dict[str, Any], dict[str, Any]]  # kernel, arguments, parameters


def find_runs(steps: Sequence[Step]) -> list[range]:
    """Numbers of neighbouring steps, two at least, that are worth it."""
    runs, first = [], 0
    for number in range(len(steps) + 1):
        if number < len(steps) and _is_worth_it(*steps[number][:2]):
            continue
        if number - first > 1:
            runs.append(range(first, number))
        first = number + 1
    return runs


def _is_worth_it(kernel: str, arguments: dict[str, Any]) -> bool:
    """Weights are read again for every block: less than the activations that stay in the cache."""
    op = OPS[kernel]
    activations = weights = 0
    for name, argument in arguments.items():
        if argument is None:
            continue
        array = getattr(argument, "tensor", argument)  # of a view
        size = math.prod(array.shape) * np.dtype(array.dtype).itemsize
        if op.has_blocks(name):
            activations += size // array.shape[0]
        else:
            weights += size
    return op.by_block and weights <= activations


def confine(buffers: Iterable[Buffer], runs: Sequence[range]) -> None:
    """Mark buffers that only one run touches: they need one block.

    Others that a run touches live as long as it does, because it writes what its last step writes
    of one block before it reads what its first step reads of the next.
    """
    for buffer in buffers:
        for run in runs:
            begins, ends = buffer.first in run, buffer.last in run
            buffer.carried |= begins and ends
            if begins and not ends:
                buffer.first = run.start
            elif ends and not begins:
                buffer.last = run.stop - 1
