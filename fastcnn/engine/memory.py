"""Where buffers lie: those that are never alive together share memory."""

import math

import numpy as np

from fastcnn.engine.tensor import Buffer
from fastcnn.kernels.aligned import LINE, aligned_zeros

SLACK = 256  # vector loads may read past the end of a row's last pixel


def place(buffers: list[Buffer]) -> int:
    """Give every buffer an array, largest first, at the lowest free place; returns the bytes."""
    placed: list[tuple[int, int, Buffer]] = []
    total = 0
    for buffer in sorted(buffers, key=lambda b: -_bytes(b)):
        size = _bytes(buffer)
        start = _lowest_gap(size, [p for p in placed if _together(p[2], buffer)])
        placed.append((start, start + size, buffer))
        total = max(total, start + size)
    arena = aligned_zeros(total, np.dtype(np.uint8))
    for start, _, buffer in placed:
        shape, dtype = buffer.memory_shape(), np.dtype(buffer.dtype)
        end = start + math.prod(shape) * dtype.itemsize
        buffer.array = arena[start:end].view(dtype).reshape(shape)
    return total


def _bytes(buffer: Buffer) -> int:
    size = math.prod(buffer.memory_shape()) * np.dtype(buffer.dtype).itemsize + SLACK
    return -(-size // LINE) * LINE


def _together(a: Buffer, b: Buffer) -> bool:
    """Whether both need memory of their own. A halo must stay zero, so it is never shared."""
    if a.keeps_zeros or b.keeps_zeros:
        return True
    return a.first <= b.last and b.first <= a.last


def _lowest_gap(size: int, taken: list[tuple[int, int, Buffer]]) -> int:
    start = 0
    for low, high, _ in sorted(taken, key=lambda t: t[0]):
        if start + size <= low:
            break
        start = max(start, high)
    return start
