"""Cosine decay."""

import math

from fastcnn.engine.options import number
from fastcnn.engine.schedule import Schedule, length, steps_option
from fastcnn.plugins.registry import schedules


@schedules.register("cosine")
class CosineDecay(Schedule):
    """lr(i) = initial_learning_rate (alpha + (1 - alpha) (1 + cos(pi min(i, n) / n)) / 2)

    n is decay_steps, or, if None, the steps of the whole training; alpha is the part of the rate
    that is left at the end.
    (Loshchilov and Hutter 2017, without restarts; for Keras' warm-up see `warmup`.)
    """

    def __init__(
        self, initial_learning_rate: float, decay_steps: int | None = None, alpha: float = 0.0
    ) -> None:
        self.initial_learning_rate = number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = steps_option("decay_steps", decay_steps, optional=True)
        self.alpha = number("alpha", alpha, zero=True)

    @property
    def fits_training(self) -> bool:
        return self.decay_steps is None

    def __call__(self, step: int, total_steps: int | None = None) -> float:
        steps = length(self.decay_steps, total_steps)
        wave = (1 + math.cos(math.pi * min(step, steps) / steps)) / 2
        return self.initial_learning_rate * (self.alpha + (1 - self.alpha) * wave)
