"""Stochastic weight averaging."""

import math
from typing import Any

from fastcnn.engine.options import count, positive
from fastcnn.plugins.registry import callbacks
from fastcnn.training.averaging import WeightAverage


@callbacks.register("swa")
class SWA(WeightAverage):
    """average += (weights - average) / n at the end of the n-th epoch that counts.

    start_epoch: the first epoch of the training that counts, from 0; default: after three quarters
        of the epochs.
    frequency: from then on, every so many epochs count.

    The average takes the weights' place for validation, in what is saved at the end of an epoch,
    and when training ends. A constant, rather high learning rate makes the weights worth averaging.
    Moving averages of batch normalisation are averaged like the weights, not measured anew.
    (Izmailov et al., "Averaging weights leads to wider optima and better generalization", 2018.)
    """

    def __init__(self, start_epoch: int | None = None, frequency: int = 1) -> None:
        self.start_epoch = None if start_epoch is None else count("start_epoch", start_epoch)
        self.frequency = positive("frequency", frequency)

    def on_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        if batch + 1 != self.params["steps"] or not math.isfinite(logs["loss"]):
            return
        first = self.params["first_epoch"]
        start = self.start_epoch
        if start is None:
            start = 3 * (self.params["epochs"] - first) // 4
        late = self.model.progress.epoch - first - start
        if late >= 0 and late % self.frequency == 0:
            self.include(1 / (self.averaged + 1))
