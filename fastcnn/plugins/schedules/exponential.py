"""Exponential decay."""

from fastcnn.engine.options import number
from fastcnn.engine.schedule import Schedule, steps_option
from fastcnn.plugins.registry import schedules


@schedules.register("exponential")
class ExponentialDecay(Schedule):
    """lr(i) = initial_learning_rate decay_rate^(i / decay_steps)

    staircase: i / decay_steps is rounded down.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
    ) -> None:
        self.initial_learning_rate = number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = steps_option("decay_steps", decay_steps)
        self.decay_rate = number("decay_rate", decay_rate)
        self.staircase = bool(staircase)

    def __call__(self, step: int, total_steps: int | None = None) -> float:
        time = step // self.decay_steps if self.staircase else step / self.decay_steps
        return self.initial_learning_rate * self.decay_rate**time
