"""A drop every so many steps."""

from fastcnn.engine.options import number
from fastcnn.engine.schedule import Schedule, steps_option
from fastcnn.plugins.registry import schedules


@schedules.register("step")
class StepDecay(Schedule):
    """lr(i) = initial_learning_rate decay_rate^floor(i / decay_steps)"""

    def __init__(
        self, initial_learning_rate: float, decay_steps: int, decay_rate: float = 0.1
    ) -> None:
        self.initial_learning_rate = number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = steps_option("decay_steps", decay_steps)
        self.decay_rate = number("decay_rate", decay_rate)

    def __call__(self, step: int, total_steps: int | None = None) -> float:
        return self.initial_learning_rate * self.decay_rate ** (step // self.decay_steps)
