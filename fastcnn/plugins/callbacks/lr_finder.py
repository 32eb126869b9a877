"""Learning-rate range test."""

import math
from copy import deepcopy
from typing import Any

import numpy as np

from fastcnn.engine.callback import Callback
from fastcnn.engine.options import positive
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import callbacks

DIVERGED, LAST = 4, 3  # so often the smallest loss, so many batches in a row: it gets no better


@callbacks.register("lr_finder")
class LRFinder(Callback):
    """rate_i = min_lr (max_lr / min_lr)^(i / (steps - 1)) for batch i; then all is as it was.

    Trains `steps` batches with ever larger rates and stops training, earlier if the loss diverges.
    Weights, optimizer, progress and history are put back. Give `fit` enough epochs for the steps.

    Afterwards: `rates`; `losses`, of each batch; `smoothed`, their means under a Gaussian of
    standard deviation `smoothing` steps around each batch, so that nothing is shifted; and
    `suggestion`: half-way on the logarithmic scale between the rate at which `smoothed` falls most
    steeply and the rate at which it is smallest (the first alone is on the slow side).
    (Smith, "Cyclical learning rates for training neural networks", 2017.)
    """

    def __init__(
        self,
        min_lr: float = 1e-6,
        max_lr: float = 10.0,
        steps: int = 100,
        smoothing: float = 4.0,
    ) -> None:
        if not 0 < min_lr < max_lr < math.inf:
            raise OptionError(f"min_lr ({min_lr}) and max_lr ({max_lr}) must be positive and rise")
        if not 0 < smoothing < math.inf:
            raise OptionError(f"smoothing must be a positive number of steps, not {smoothing}")
        self.min_lr, self.max_lr = float(min_lr), float(max_lr)
        self.steps = positive("steps", steps)
        if self.steps < 10:
            raise OptionError(f"steps must be 10 or more to see a slope, not {steps}")
        self.smoothing = float(smoothing)
        self._reset()

    def _reset(self) -> None:
        self.rates: list[float] = []
        self.losses: list[float] = []
        self._before = (0, 0.0)  # samples of the epoch before the batch, and their mean loss

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        self._reset()
        model = self.model
        self._weights = model.store.copies()
        self._slots = {name: slot.copy() for name, slot in model.optimizer.slots.items()}
        self._iterations = model.optimizer.iterations
        self._progress = deepcopy(vars(model.progress))
        self._history = deepcopy(vars(model.history))

    def on_batch_begin(self, batch: int, logs: dict[str, Any]) -> None:
        optimizer = self.model.optimizer
        part = len(self.rates) / (self.steps - 1)
        rate = self.min_lr * (self.max_lr / self.min_lr) ** part
        base = optimizer.rate / optimizer.learning_rate_scale
        if not base > 0:
            raise OptionError(
                "lr_finder needs an optimizer whose learning rate does not begin at 0"
            )
        self.learning_rate_scale = rate / base
        self.rates.append(rate)
        progress = self.model.progress
        self._before = progress.seen, progress.sums.get("loss", 0.0)

    def on_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        progress = self.model.progress
        seen, loss_sum = self._before
        loss = (progress.sums["loss"] - loss_sum) / (progress.seen - seen)
        if not math.isfinite(loss):
            self.rates.pop()
            self.stop("the loss is no number any more")
            return
        self.losses.append(loss)
        if len(self.rates) == self.steps:
            self.stop("all learning rates were tried")
        elif min(self.losses[-LAST:]) > DIVERGED * min(self.losses):
            self.stop("the loss diverged")

    def on_train_end(self, logs: dict[str, Any]) -> None:
        model = self.model
        model.store.load(self._weights)
        for name, slot in self._slots.items():
            model.optimizer.slots[name][...] = slot
        model.optimizer.iterations = self._iterations
        if not self._iterations:
            model.optimizer.total_steps = None  # a schedule may fit the training that is to come
        vars(model.progress).update(self._progress)
        vars(model.history).update(self._history)
        self.learning_rate_scale = 1.0

    @property
    def smoothed(self) -> list[float]:
        """The losses without the noise of single batches."""
        # The last ones may be huge: they must not hide what lies before them.
        losses = np.minimum(self.losses, DIVERGED * max(self.losses[:1], default=0.0))
        places = np.arange(len(losses))
        weights = np.exp(-(((places - places[:, None]) / self.smoothing) ** 2) / 2)
        return list(weights @ losses / weights.sum(axis=1))

    @property
    def suggestion(self) -> float:
        """sqrt(steepest minimum), or an OptionError if the loss never fell."""
        smoothed = self.smoothed
        slopes = np.gradient(smoothed, np.log(self.rates)) if len(smoothed) > 1 else np.zeros(1)
        steepest = int(np.argmin(slopes))
        if slopes[steepest] >= 0:
            raise OptionError(
                f"the loss fell nowhere between {self.min_lr:g} and {self.max_lr:g}: "
                "try smaller rates"
            )
        lowest = steepest + int(np.argmin(smoothed[steepest:]))
        return math.sqrt(self.rates[steepest] * self.rates[lowest])
