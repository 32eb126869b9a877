"""Constant between given steps."""

from bisect import bisect_left
from collections.abc import Sequence

from fastcnn.engine.options import number
from fastcnn.engine.schedule import Schedule, steps_option
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import schedules


@schedules.register("piecewise")
class PiecewiseConstantDecay(Schedule):
    """lr(i) = values[k] for boundaries[k - 1] < i <= boundaries[k]

    The first value holds up to and with boundaries[0], the last one after the last boundary.
    boundaries: rising numbers of steps; values: one rate more. (As in Keras.)
    """

    rate_option = None

    def __init__(self, boundaries: Sequence[int], values: Sequence[float]) -> None:
        self.boundaries = tuple(steps_option("boundaries", b) for b in boundaries)
        self.values = tuple(number("values", v, zero=True) for v in values)
        if list(self.boundaries) != sorted(set(self.boundaries)):
            raise OptionError(f"boundaries must rise, not {boundaries}")
        if len(self.values) != len(self.boundaries) + 1:
            raise OptionError(
                f"values must be one more than the {len(self.boundaries)} boundaries, not {values}"
            )

    def __call__(self, step: int, total_steps: int | None = None) -> float:
        return self.values[bisect_left(self.boundaries, step)]
