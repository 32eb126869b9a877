"""Training that ends on time."""

import math
import time
from typing import Any

from fastcnn.engine.callback import Callback, State
from fastcnn.engine.options import positive
from fastcnn.errors import OptionError, unknown
from fastcnn.plugins.registry import callbacks
from fastcnn.training.duration import duration_text, seconds_of

ANNEALS = {
    "linear": lambda used: 1 - used,
    "cosine": lambda used: (1 + math.cos(math.pi * used)) / 2,
    "none": lambda used: 1.0,
}


@callbacks.register("time_budget")
class TimeBudget(Callback):
    """rate = (1 - used) rate ("linear") or (1 + cos(pi used)) / 2 rate ("cosine"); stop at used = 1

    used: the part of the budget that is behind us, from 0 to 1. Give `fit` more epochs than the
    budget allows, or training ends before the learning rate has come down.

    seconds: of wall time, validation and other callbacks included, over all parts of a resumed
        training, without the breaks; or a text such as "90s", "5m", "1h". Training stops where the
        next batch (and, at the end of an epoch, the validation) would not be done in time.
        The learning rate then depends on the clock: **the same seed gives other bits** each time.
    steps: a budget in batches instead, which is repeatable.
    anneal: "linear", "cosine" or "none".
    """

    def __init__(
        self,
        seconds: float | str | None = None,
        anneal: str = "linear",
        steps: int | None = None,
    ) -> None:
        if (seconds is None) == (steps is None):
            raise OptionError("time_budget takes either seconds or steps")
        if anneal not in ANNEALS:
            raise unknown("way to anneal", anneal, ANNEALS)
        self.seconds = None if seconds is None else seconds_of(seconds)
        self.steps = None if steps is None else positive("steps", steps)
        self.anneal = anneal
        self._reset()

    def _reset(self) -> None:
        self.learning_rate_scale = 1.0
        self.steps_done = 0
        self._before = 0.0  # seconds of earlier parts of a resumed training
        self._started = time.perf_counter()
        self._batch_seconds = self._validation_seconds = 0.0
        self._batch_ended = self._started

    @property
    def elapsed(self) -> float:
        """Seconds that are used up."""
        return self._before + time.perf_counter() - self._started

    @property
    def used(self) -> float:
        """The part of the budget that is used up, 0 to 1."""
        if self.steps is not None:
            return min(1.0, self.steps_done / self.steps)
        assert self.seconds is not None
        return min(1.0, self.elapsed / self.seconds)

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        self._reset()

    def on_batch_begin(self, batch: int, logs: dict[str, Any]) -> None:
        self.learning_rate_scale = ANNEALS[self.anneal](self.used)
        self._batch_started = time.perf_counter()

    def on_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        self.steps_done += 1
        self._batch_ended = time.perf_counter()
        # The slower of the last one and the mean: a late end is worse than an early one.
        last = self._batch_ended - self._batch_started
        self._batch_seconds = max(last, 0.9 * self._batch_seconds + 0.1 * last)
        steps = self.params["steps"]
        ends_epoch = steps is not None and batch + 2 >= steps
        self._stop_if_due(self._validation_seconds if ends_epoch else 0.0)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        self._validation_seconds = time.perf_counter() - self._batch_ended
        self._stop_if_due(0.0)

    def _stop_if_due(self, reserve: float) -> None:
        if self.steps is not None:
            if self.steps_done >= self.steps:
                self.stop(f"the budget of {self.steps} steps is used up")
        elif self.elapsed + self._batch_seconds + reserve > (self.seconds or 0.0):
            self.stop(f"the budget of {duration_text(self.seconds or 0.0)} is used up")

    def state_dict(self) -> State:
        return {
            "steps_done": self.steps_done,
            "elapsed": self.elapsed,
            "batch_seconds": self._batch_seconds,
            "validation_seconds": self._validation_seconds,
        }

    def load_state(self, state: State) -> None:
        self.steps_done, self._before = int(state["steps_done"]), float(state["elapsed"])
        self._batch_seconds = float(state["batch_seconds"])
        self._validation_seconds = float(state["validation_seconds"])
        self._stop_if_due(0.0)
