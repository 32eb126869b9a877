"""Warm-up before another schedule."""

from typing import Any

from fastcnn.engine.options import number
from fastcnn.engine.schedule import (
    Schedule,
    learning_rate_option,
    rate_at,
    steps_option,
)
from fastcnn.plugins.registry import schedules


@schedules.register("warmup")
class WarmUp(Schedule):
    """lr(i) = start + (s(0) - start) i / steps for i < steps, then s(i - steps)

    schedule: s, another schedule, its name, {"name": ..., option: ...}, or a number. If it is to
    be as long as the training, it gets the steps that the warm-up leaves.
    (Goyal et al. 2017; linear from `start`, as in Keras' CosineDecay.)
    """

    rate_option = "schedule"

    def __init__(self, schedule: Any, steps: int, start: float = 0.0) -> None:
        self.schedule = learning_rate_option("schedule", schedule)
        self.steps = steps_option("steps", steps)
        self.start = number("start", start, zero=True)

    @property
    def fits_training(self) -> bool:
        return isinstance(self.schedule, Schedule) and self.schedule.fits_training

    def __call__(self, step: int, total_steps: int | None = None) -> float:
        left = None if total_steps is None else total_steps - self.steps
        after = rate_at(self.schedule, max(step - self.steps, 0), left)
        if step >= self.steps:
            return after
        return self.start + (after - self.start) * step / self.steps
