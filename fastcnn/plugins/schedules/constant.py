"""One learning rate for ever."""

from fastcnn.engine.schedule import Schedule, number_option
from fastcnn.plugins.registry import schedules


@schedules.register("constant")
class Constant(Schedule):
    """lr(i) = learning_rate"""

    rate_option = "learning_rate"

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = number_option("learning_rate", learning_rate)

    def __call__(self, step: int, total_steps: int | None = None) -> float:
        return self.learning_rate
