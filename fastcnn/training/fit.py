"""The training loop."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastcnn import rng
from fastcnn.engine.plan import Plan
from fastcnn.errors import DivergedError
from fastcnn.training.callback_list import CallbackList
from fastcnn.training.history import History, Progress
from fastcnn.training.scores import scores
from fastcnn.training.swap import swap_back, swap_in


@dataclass
class Loop:
    """Everything one call of `fit` needs. `run` reads as the story of training."""

    model: Any
    plan: Plan
    targets: Sequence[np.ndarray]
    optimizer: Any
    seed: int
    threads: int
    epochs: int
    shuffle: bool
    callbacks: CallbackList
    history: History
    progress: Progress
    penalty: Callable[[], float]
    validate: Callable[[], dict[str, float]] | None
    should_stop: Callable[[], bool]
    rate: float = 0.0  # of the last batch

    def run(self) -> History:
        logs: dict[str, Any] = {}
        swap_back(self.model)
        self.optimizer.begin_training(self.epochs, -(-self.plan.samples // self.plan.batch))
        try:
            self.callbacks.begin(self.model, self._params(), logs)
            while self.progress.epoch < self.epochs and not self.should_stop():
                logs = self._epoch(self.progress.epoch)
        finally:  # a progress bar must let go of the terminal, the best weights come back
            self._use_averages()
            self.callbacks.end(logs)
        return self.history

    def _params(self) -> dict[str, Any]:
        return {
            "epochs": self.epochs,
            "steps": -(-self.plan.samples // self.plan.batch),
            "samples": self.plan.samples,
            "validation": self.validate is not None,
        }

    def _epoch(self, epoch: int) -> dict[str, Any]:
        started = time.perf_counter()
        if self.progress.batch == 0:
            self.callbacks.call("on_epoch_begin", epoch, {})
        order = self._order(epoch)
        self.plan.epoch = epoch
        size = self.plan.batch
        for start in range(self.progress.seen, len(order), size):
            diverged = self._batch(order[start : start + size])
            if diverged:
                self.progress.begin_epoch()  # its sums are no numbers either
                return {}
            if self.should_stop() and start + size < len(order):
                return self.progress.logs()  # can be resumed in the middle
        logs: dict[str, Any] = self.progress.logs()
        logs["loss"] += self.penalty()
        logs |= scores(self.plan.heads, self.progress, self.targets, order)
        logs["seconds"] = time.perf_counter() - started
        return self._finish(epoch, logs)

    def _finish(self, epoch: int, logs: dict[str, Any]) -> dict[str, Any]:
        """Validate, and tell callbacks, with averaged weights if a callback keeps them."""
        self._use_averages()
        if self.validate is not None:
            logs |= self.validate()
        logs["learning_rate"] = self.rate
        self.history.append(logs)
        self.progress.epoch += 1
        self.progress.begin_epoch()
        self.callbacks.call("on_epoch_end", epoch, logs)
        swap_back(self.model)
        return logs

    def _batch(self, order: np.ndarray) -> bool:
        """Whether training diverged, and a callback stopped it for that."""
        batch = self.progress.batch
        if self.callbacks:
            self.callbacks.call("on_batch_begin", batch, self.progress.logs())
        self.optimizer.learning_rate_scale = self.callbacks.learning_rate_scale
        self.rate = self.optimizer.rate
        self.plan.state[:] = self.seed, self.optimizer.iterations
        count = len(order)
        self.optimizer.step(
            run=lambda: self.plan.run(order, self.threads),
            loss=lambda: self.plan.sums()["loss"] / count,
        )
        sums = self.plan.sums()
        self.progress.add(count, sums, self.plan.rows(count))
        if self.callbacks:
            self.callbacks.call("on_batch_end", batch, self.progress.logs())
        diverged = not np.isfinite(sums["loss"])
        if diverged and not self.should_stop():
            raise DivergedError(
                f"the loss became {sums['loss']} in epoch {self.progress.epoch + 1}, "
                f"batch {batch + 1}: try a smaller learning rate than {self.rate:g}"
            )
        return diverged

    def _order(self, epoch: int) -> np.ndarray:
        if self.shuffle:
            return rng.permutation(self.seed, epoch, self.plan.samples)
        return np.arange(self.plan.samples)

    def _use_averages(self) -> None:
        weights = self.callbacks.averaged_weights()
        if weights is not None:
            swap_in(self.model, weights)
