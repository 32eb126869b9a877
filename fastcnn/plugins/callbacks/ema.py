"""Exponential moving average of the weights."""

import math
from typing import Any

from fastcnn.errors import OptionError
from fastcnn.plugins.registry import callbacks
from fastcnn.training.averaging import WeightAverage


@callbacks.register("ema")
class EMA(WeightAverage):
    """average = d average + (1 - d) weights after each batch; d = min(decay, (1 + t) / (10 + t))

    t counts batches, from 0, so that the average soon forgets where training began; warmup=False
    takes d = decay at once. The average takes the weights' place for validation, in what is saved
    at the end of an epoch, and when training ends. Moving averages of batch normalisation are
    averaged by the same rule. (Polyak and Juditsky 1992; the warm-up as in TensorFlow 1.)
    """

    def __init__(self, decay: float = 0.999, warmup: bool = True) -> None:
        if not 0 < decay < 1:
            raise OptionError(f"decay lies between 0 and 1, not {decay}")
        self.decay = float(decay)
        self.warmup = warmup

    def on_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        if not math.isfinite(logs["loss"]):
            return  # the weights are no numbers: the average stays good
        t = self.averaged
        d = min(self.decay, (1 + t) / (10 + t)) if self.warmup else self.decay
        self.include(1 - d)
