"""Cosine decay that begins anew."""

import math

from fastcnn.engine.options import number
from fastcnn.engine.schedule import Schedule, steps_option
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import schedules


@schedules.register("cosine_restarts")
class CosineDecayRestarts(Schedule):
    """lr(i) = initial_learning_rate (alpha + (1 - alpha) m_mul^k (1 + cos(pi j / n)) / 2)

    Period k = 0, 1, ... has n = first_decay_steps t_mul^k steps; j is the number of steps since it
    began. (SGDR: Loshchilov and Hutter 2017, as in Keras.)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
    ) -> None:
        self.initial_learning_rate = number("initial_learning_rate", initial_learning_rate)
        self.first_decay_steps = steps_option("first_decay_steps", first_decay_steps)
        self.t_mul = number("t_mul", t_mul)
        if self.t_mul < 1:
            raise OptionError(f"t_mul must be at least 1, not {t_mul}")
        self.m_mul = number("m_mul", m_mul)
        self.alpha = number("alpha", alpha, zero=True)

    def __call__(self, step: int, total_steps: int | None = None) -> float:
        period, done = self._period(step)
        wave = self.m_mul**period * (1 + math.cos(math.pi * done)) / 2
        return self.initial_learning_rate * (self.alpha + (1 - self.alpha) * wave)

    def _period(self, step: int) -> tuple[int, float]:
        """Number of the period, and the part of it that is done."""
        if self.t_mul == 1:
            return step // self.first_decay_steps, step / self.first_decay_steps % 1
        period, left, steps = 0, float(step), float(self.first_decay_steps)
        while left >= steps:
            left -= steps
            steps *= self.t_mul
            period += 1
        return period, left / steps
