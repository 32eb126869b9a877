"""What `fit` takes its batches from: arrays in an order that it draws, or batches as they come."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastcnn import rng
from fastcnn.data.batches import END, Batches, end_to_end, parts_of
from fastcnn.data.weights import with_classes
from fastcnn.engine.augmenter import Augment
from fastcnn.engine.plan import Plan, Source
from fastcnn.errors import DataError, warn
from fastcnn.training.adapting import check_adapted
from fastcnn.training.batch import training_batch
from fastcnn.training.history import Progress

Batch = tuple[Plan, np.ndarray, bool]  # which samples of what the plan is bound to; the last one?
Measured = tuple[list[np.ndarray], np.ndarray]  # targets, and the numbers of the samples seen


class ArrayFeed:
    """Samples that lie in memory, shuffled by seed and number of the epoch."""

    goes_on = True  # whether an epoch that was broken off can be gone on with

    def __init__(
        self, model: Any, source: Source, batch_size: int, shuffle: bool, augment: Augment | None
    ) -> None:
        self.source, self.samples = source, len(source)
        self.steps = -(-self.samples // batch_size)
        self._seed, self._shuffle = model.seed, shuffle
        batch = min(batch_size, self.samples)
        self.plan: Plan = model._plan("train", batch, bool(source.weights), augment)

    def ready(self) -> bool:
        return True

    def batches(self, epoch: int, progress: Progress) -> Iterator[Batch]:
        """Those of the epoch that are left."""
        self._order = np.arange(self.samples)
        if self._shuffle:
            self._order = rng.permutation(self._seed, epoch, self.samples)
        size = self.plan.batch
        for start in range(progress.seen, self.samples, size):
            order = self._order[start : start + size]
            self.plan.bind(self.source)  # a callback may have used the plan
            yield self.plan, order, start + size >= self.samples

    def measured(self) -> Measured:
        return list(self.source.targets), self._order


class BatchFeed:
    """Batches (x, y) or (x, y, sample weights), checked one by one."""

    samples = 0  # unknown

    def __init__(
        self, model: Any, batches: Batches, augment: Augment | None, class_weight: Any
    ) -> None:
        self._model, self._batches, self._class_weight = model, batches, class_weight
        self._augment = augment
        self._size = 0
        self.plan: Plan | None = None  # of the last batch
        self._targets: list[list[np.ndarray]] = []
        first = batches.first()
        if first is END:
            raise DataError(f"training: the {batches.kind} gave no batches")
        parts = model._in_order(*parts_of(first, "training"))
        self.source: Source = model._training_source(*parts)  # of the first batch
        check_adapted(model)

    @property
    def goes_on(self) -> bool:
        return not self._batches.once

    @property
    def steps(self) -> int | None:
        return self._batches.steps

    def ready(self) -> bool:
        """Whether there is another epoch; if not, a warning."""
        if self._batches.first() is not END:
            return True
        self._model.stop_reason = f"the {self._batches.kind} has no more batches"
        warn(
            f"{self._model.stop_reason}: training ends before the last epoch; "
            "give steps_per_epoch, or a callable that makes an iterator for each epoch"
        )
        return False

    def source_of(self, batch: Any, name: str) -> Source:
        source = training_batch(self._model, name, *parts_of(batch, name))
        if self._class_weight is not None:
            output = self._model.graph.outputs[0].shape
            source.weights = with_classes(source, self._class_weight, output, self._model.dtype)
        return source

    def batches(self, epoch: int, progress: Progress) -> Iterator[Batch]:
        """Those of the epoch that are left: the first ones of a broken epoch are passed over."""
        passed = progress.batch
        self._targets = []
        for number, (batch, last) in enumerate(self._batches.epoch()):
            source = self.source_of(batch, f"training batch {number + 1}")
            self._targets.append(list(source.targets))
            self._size = grown(self._size, len(source))
            self.plan = self._model._plan("train", self._size, bool(source.weights), self._augment)
            if number < passed:
                continue
            self.plan.bind(source)
            self.plan.first = progress.seen
            yield self.plan, np.arange(len(source)), last
        self._say_if_short()

    def _say_if_short(self) -> None:
        taken, steps = self._batches.taken, self._batches.steps
        if steps is not None and taken < steps:
            warn(f"the {self._batches.kind} gave {taken} batches in an epoch of {steps} steps")

    def measured(self) -> Measured:
        targets = [end_to_end(arrays) for arrays in zip(*self._targets, strict=True)]
        return targets, np.arange(len(targets[0]))


def grown(size: int, count: int) -> int:
    """The size of a plan for batches of `count` after those of `size`.

    Smaller batches take the plan that is there, larger ones double it at least: few plans are made.
    """
    return size if count <= size else max(count, 2 * size)
