"""Polynomial decay."""

from fastcnn.engine.options import number
from fastcnn.engine.schedule import Schedule, length, steps_option
from fastcnn.plugins.registry import schedules


@schedules.register("polynomial")
class PolynomialDecay(Schedule):
    """lr(i) = end + (initial - end) (1 - i / n)^power, and `end` after n steps

    initial and end are initial_learning_rate and end_learning_rate; power 1 is a straight line.
    n is decay_steps, or, if None, the steps of the whole training.
    cycle: n becomes the next multiple of itself instead, so that the rate rises again.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int | None = None,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
    ) -> None:
        self.initial_learning_rate = number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = steps_option("decay_steps", decay_steps, optional=True)
        self.end_learning_rate = number("end_learning_rate", end_learning_rate, zero=True)
        self.power = number("power", power)
        self.cycle = bool(cycle)

    @property
    def fits_training(self) -> bool:
        return self.decay_steps is None

    def __call__(self, step: int, total_steps: int | None = None) -> float:
        steps = length(self.decay_steps, total_steps)
        if self.cycle:
            steps *= max(1, -(-step // steps))
        left = 1 - min(step, steps) / steps
        fall = self.initial_learning_rate - self.end_learning_rate
        return self.end_learning_rate + fall * left**self.power
