"""Time-based decay."""

from fastcnn.engine.options import number
from fastcnn.engine.schedule import Schedule, steps_option
from fastcnn.plugins.registry import schedules


@schedules.register("inverse_time")
class InverseTimeDecay(Schedule):
    """lr(i) = initial_learning_rate / (1 + decay_rate i / decay_steps)

    The time-based decay lr / (1 + decay i) of old Keras optimizers is decay_steps = 1.
    staircase: i / decay_steps is rounded down.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_rate: float,
        decay_steps: int = 1,
        staircase: bool = False,
    ) -> None:
        self.initial_learning_rate = number("initial_learning_rate", initial_learning_rate)
        self.decay_rate = number("decay_rate", decay_rate, zero=True)
        self.decay_steps = steps_option("decay_steps", decay_steps)
        self.staircase = bool(staircase)

    def __call__(self, step: int, total_steps: int | None = None) -> float:
        time = step // self.decay_steps if self.staircase else step / self.decay_steps
        return self.initial_learning_rate / (1 + self.decay_rate * time)
