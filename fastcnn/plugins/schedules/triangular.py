"""Cyclical learning rates."""

from fastcnn.engine.options import number
from fastcnn.engine.schedule import Schedule, steps_option
from fastcnn.plugins.registry import schedules


@schedules.register("triangular")
class Triangular(Schedule):
    """lr(i) = initial + (maximal - initial) decay^k (1 - |i / step_size - 2 k - 1|)

    k = floor(i / (2 step_size)) is the number of the cycle: the rate rises for step_size steps
    from initial_learning_rate to maximal_learning_rate and falls for as many.
    decay: what is left of the height in each next cycle; 0.5 is Smith's "triangular2".
    (Smith 2017.)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        maximal_learning_rate: float,
        step_size: int,
        decay: float = 1.0,
    ) -> None:
        self.initial_learning_rate = number("initial_learning_rate", initial_learning_rate)
        self.maximal_learning_rate = number("maximal_learning_rate", maximal_learning_rate)
        self.step_size = steps_option("step_size", step_size)
        self.decay = number("decay", decay)

    def __call__(self, step: int, total_steps: int | None = None) -> float:
        cycle = step // (2 * self.step_size)
        height = 1 - abs(step / self.step_size - 2 * cycle - 1)
        rise = self.maximal_learning_rate - self.initial_learning_rate
        return self.initial_learning_rate + rise * self.decay**cycle * height
