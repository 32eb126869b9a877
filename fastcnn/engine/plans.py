"""The plans that a model keeps: few of them, by what they were compiled for.

A plan that does not train also runs fewer samples than it has room for, in no more time, since
kernels skip blocks without images. So those of more than SINGLE samples share one, which is
replaced by a larger one when that is needed: their lanes, and so their bits, are the same. Up to
SINGLE samples lie in one lane each, where their number may decide for another convolution: there
are plans of 1, 2, 4 and 8.
"""

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastcnn.engine.plan import Plan

SINGLE = 8  # samples, at most, that lie in one lane each; see plan.choose_lanes
STEP = 256  # of larger plans
MOST = 8  # plans
MOST_BYTES = 2**28  # of their buffers together

Key = tuple[Hashable, ...]


def roomy(batch: int) -> int:
    """The size of a plan for so many samples: a power of two, or a multiple of STEP."""
    return 1 << (batch - 1).bit_length() if batch <= STEP else -(-batch // STEP) * STEP


class Plans:
    """Least recently used plans go when there are too many, or too large ones.

    The last one of each purpose stays: training, measuring and predicting take turns.
    """

    def __init__(self) -> None:
        self._plans: dict[Key, Plan] = {}  # the last one used comes last

    def __len__(self) -> int:
        return len(self._plans)

    @property
    def bytes(self) -> int:
        return sum(plan.bytes for plan in self._plans.values())

    def clear(self) -> None:
        self._plans.clear()

    def get(
        self, purpose: str, batch: int, rest: Key, moves: int, make: "Callable[[int], Plan]"
    ) -> "Plan":
        """One with room for so many samples, made by make(samples) if there is none.

        rest: what else it was compiled for; moves: those of its parameters by now.
        """
        if purpose == "train":
            room, size = batch, batch
        else:
            room = roomy(batch)
            size = min(room, SINGLE + 1)  # all larger ones are kept in one place
        key = (purpose, size, rest)
        plan = self._plans.pop(key, None)
        if plan is None or plan.batch < batch or plan.moves != moves:
            plan = None  # its memory is free before the new one takes some
            self._plans[key] = plan = make(room)
            self._evict()
        else:
            self._plans[key] = plan
        return plan

    def _evict(self) -> None:
        """From the least recently used on, until the others are few and small enough."""
        for key in list(self._plans):
            if len(self._plans) <= MOST and self.bytes <= MOST_BYTES:
                return
            if key != next(k for k in reversed(self._plans) if k[0] == key[0]):
                del self._plans[key]
