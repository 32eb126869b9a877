"""Where buffers lie: those that are never alive together share memory."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.lib.stride_tricks import as_strided

from fastcnn.engine.tensor import Buffer, Tensor
from fastcnn.kernels.aligned import LINE, aligned_zeros
from fastcnn.kernels.room import check_room

SLACK = 256  # vector loads may read past the end of a row's last pixel


@dataclass(eq=False)
class Slot:
    """Memory of buffers that come after each other and are laid out alike."""

    buffers: list[Buffer] = field(default_factory=list)
    start: int = 0

    @property
    def bytes(self) -> int:
        buffer = self.buffers[0]
        size = math.prod(buffer.memory_shape()) * np.dtype(buffer.dtype).itemsize + SLACK
        return -(-size // LINE) * LINE

    @property
    def first(self) -> int:
        return min(b.first for b in self.buffers)

    @property
    def last(self) -> int:
        return max(b.last for b in self.buffers)

    @property
    def keeps_zeros(self) -> bool:
        return any(b.keeps_zeros for b in self.buffers)

    def meets(self, other: "Slot") -> bool:
        """Whether both are needed at a time; where zeros must stay, they always are."""
        if self.keeps_zeros or other.keeps_zeros:
            return True
        return self.first <= other.last and other.first <= self.last


class Memory:
    """Slots for buffers. Lifetimes must be known; halos may still grow."""

    def __init__(self, buffers: Iterable[Buffer]) -> None:
        self._slots = {buffer: Slot([buffer]) for buffer in buffers}

    def overwrite(self, old: Buffer, new: Buffer) -> bool:
        """Let `new` lie where `old` lies, if the step that writes it is the last that reads old."""
        slots = self._slots
        if old not in slots or new not in slots or slots[old] is slots[new]:
            return False
        if slots[old].last != new.first or slots[new].first != new.first:
            return False
        together = slots[old].buffers + slots[new].buffers
        if not _lay_out_alike(together):
            return False
        slots[old].buffers = together
        slots.update(dict.fromkeys(together, slots[old]))
        return True

    def place(self) -> int:
        """Give every buffer an array, largest first, in the lowest free place; how many bytes."""
        slots = _joined_by_halo(dict.fromkeys(self._slots.values()))
        placed: list[Slot] = []
        for slot in sorted(slots, key=lambda s: -s.bytes):
            slot.start = _lowest_gap(slot.bytes, [p for p in placed if p.meets(slot)])
            placed.append(slot)
        total = max((s.start + s.bytes for s in placed), default=0)
        check_room(total, "activations of a batch")
        self.arena = aligned_zeros(total, np.dtype(np.uint8))
        for slot in placed:
            for buffer in slot.buffers:
                buffer.array = _view(self.arena, slot.start, buffer)
        return total


def _view(arena: np.ndarray, start: int, buffer: Buffer) -> np.ndarray:
    """All blocks of one that is carried are in one place."""
    shape, dtype = buffer.memory_shape(), np.dtype(buffer.dtype)
    array = arena[start : start + math.prod(shape) * dtype.itemsize].view(dtype).reshape(shape)
    if not buffer.carried:
        return array
    return as_strided(array, (buffer.shape[0], *shape[1:]), (0, *array.strides[1:]))


def _lay_out_alike(buffers: list[Buffer]) -> bool:
    """Whether they have one shape; then each gets the halo that any of them has, if all can."""
    if len({(type(b), b.shape, b.dtype) for b in buffers}) > 1:
        return False
    tensors = [b for b in buffers if isinstance(b, Tensor)]
    halos = {t.halo for t in tensors}
    if any(t.framed for t in tensors) or (len(halos) > 1 and any(t.flat for t in tensors)):
        return False
    for tensor in tensors:
        for halo in halos:
            tensor.widen(halo)
    return True


def _joined_by_halo(slots: Iterable[Slot]) -> list[Slot]:
    """Slots with halos at the same places come after each other in one: zeros stay where they are.

    In the order of their beginnings, each goes to the first that is free: no fewer would do.
    """
    joined: dict[tuple, list[Slot]] = {}
    free: list[Slot] = []
    for slot in sorted(slots, key=lambda s: s.first):
        buffer = slot.buffers[0]
        if not isinstance(buffer, Tensor) or buffer.framed or not slot.keeps_zeros:
            free.append(slot)
            continue
        alike = joined.setdefault((buffer.shape, buffer.dtype, buffer.halo), [])
        before = next((other for other in alike if other.last < slot.first), None)
        if before is None:
            alike.append(slot)
        else:
            before.buffers += slot.buffers
    return [*free, *(slot for alike in joined.values() for slot in alike)]


def _lowest_gap(size: int, taken: list[Slot]) -> int:
    start = 0
    for slot in sorted(taken, key=lambda s: s.start):
        if start + size <= slot.start:
            break
        start = max(start, slot.start + slot.bytes)
    return start
