"""One learning rate for ever."""

from fastcnn.engine.options import number
from fastcnn.engine.schedule import Schedule
from fastcnn.plugins.registry import schedules


@schedules.register("constant")
class Constant(Schedule):
    """lr(i) = learning_rate"""

    rate_option = "learning_rate"

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = number("learning_rate", learning_rate)

    def __call__(self, step: int, total_steps: int | None = None) -> float:
        return self.learning_rate
