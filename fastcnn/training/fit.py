"""The training loop."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastcnn import rng
from fastcnn.engine.callback import Callback
from fastcnn.engine.plan import Plan
from fastcnn.errors import DivergedError
from fastcnn.training.history import History, Progress
from fastcnn.training.scores import scores


@dataclass
class Loop:
    """Everything one call of `fit` needs. `run` reads as the story of training."""

    plan: Plan
    targets: Sequence[np.ndarray]
    optimizer: Any
    seed: int
    threads: int
    epochs: int
    shuffle: bool
    callbacks: Sequence[Callback]
    history: History
    progress: Progress
    penalty: Callable[[], float]
    validate: Callable[[], dict[str, float]]
    should_stop: Callable[[], bool]

    def run(self) -> History:
        logs: dict[str, Any] = {}
        self.optimizer.begin_training(self.epochs * -(-self.plan.samples // self.plan.batch))
        self._call("on_train_begin", logs)
        try:
            while self.progress.epoch < self.epochs and not self.should_stop():
                logs = self._epoch(self.progress.epoch)
        finally:  # a progress bar must let go of the terminal
            self._call("on_train_end", logs)
        return self.history

    def _epoch(self, epoch: int) -> dict[str, Any]:
        started = time.perf_counter()
        if self.progress.batch == 0:
            self._call("on_epoch_begin", epoch, {})
        order = self._order(epoch)
        size = self.plan.batch
        for start in range(self.progress.seen, len(order), size):
            self._batch(order[start : start + size])
            if self.should_stop() and start + size < len(order):
                return self.progress.logs()  # can be resumed in the middle
        logs: dict[str, Any] = self.progress.logs()
        logs["loss"] += self.penalty()
        logs |= scores(self.plan.heads, self.progress, self.targets, order)
        logs["seconds"] = time.perf_counter() - started
        logs |= self.validate()
        self.history.append(logs)
        self.progress.epoch += 1
        self.progress.begin_epoch()
        self._call("on_epoch_end", epoch, logs)
        return logs

    def _batch(self, order: np.ndarray) -> None:
        batch = self.progress.batch
        if self.callbacks:
            self._call("on_batch_begin", batch, self.progress.logs())
        self.plan.state[:] = self.seed, self.optimizer.iterations
        self.optimizer.begin_step()
        count = self.plan.run(order, self.threads)
        sums = self.plan.sums()
        loss = sums["loss"]
        if not np.isfinite(loss):
            raise DivergedError(
                f"the loss became {loss} in epoch {self.progress.epoch + 1}, batch {batch + 1}: "
                f"try a smaller learning rate than {self.optimizer.rate:g}"
            )
        self.progress.add(count, sums, self.plan.rows(count))
        if self.callbacks:
            self._call("on_batch_end", batch, self.progress.logs())

    def _order(self, epoch: int) -> np.ndarray:
        if self.shuffle:
            return rng.permutation(self.seed, epoch, self.plan.samples)
        return np.arange(self.plan.samples)

    def _call(self, hook: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(*arguments)
