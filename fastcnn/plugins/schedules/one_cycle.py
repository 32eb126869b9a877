"""The one-cycle policy."""

import math

from fastcnn.engine.options import number, one_of
from fastcnn.engine.schedule import Schedule, length, steps_option
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import schedules


@schedules.register("one_cycle")
class OneCycle(Schedule):
    """Half a cosine wave up from max / div_factor to max_learning_rate, then one down.

    anneal_strategy "linear": straight lines instead, a triangle.

    The way up ends at step pct_start n - 1; the way down ends at step n - 1 with the rate
    max / (div_factor final_div_factor). n is total_steps, or, if None, the steps of the training.
    (Smith and Topin 2018, with PyTorch's two phases, names and defaults.)
    """

    rate_option = "max_learning_rate"

    def __init__(
        self,
        max_learning_rate: float,
        total_steps: int | None = None,
        pct_start: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        anneal_strategy: str = "cos",
    ) -> None:
        self.max_learning_rate = number("max_learning_rate", max_learning_rate)
        self.total_steps = steps_option("total_steps", total_steps, optional=True)
        self.pct_start = number("pct_start", pct_start, zero=True)
        if self.pct_start > 1:
            raise OptionError(f"pct_start lies in [0, 1], not {pct_start}")
        self.div_factor = number("div_factor", div_factor)
        self.final_div_factor = number("final_div_factor", final_div_factor)
        self.anneal_strategy = one_of("anneal_strategy", anneal_strategy, tuple(PATHS))

    @property
    def fits_training(self) -> bool:
        return self.total_steps is None

    def __call__(self, step: int, total_steps: int | None = None) -> float:
        steps = length(self.total_steps, total_steps)
        peak, top = self.pct_start * steps - 1, self.max_learning_rate
        low = top / self.div_factor
        path = PATHS[self.anneal_strategy]
        if step < peak:
            return path(low, top, step / peak)
        part = (step - peak) / (steps - 1 - peak) if steps - 1 > peak else 1.0
        return path(top, low / self.final_div_factor, min(part, 1.0))


def _wave(start: float, end: float, part: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


def _line(start: float, end: float, part: float) -> float:
    return start + (end - start) * part


PATHS = {"cos": _wave, "linear": _line}
