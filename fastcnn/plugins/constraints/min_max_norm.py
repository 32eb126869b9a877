"""Limits of norms."""

from typing import Any

from fastcnn.engine.constraint import Constraint
from fastcnn.engine.options import number
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import constraints


@constraints.register("min_max_norm")
class MinMaxNorm(Constraint):
    """w *= (rate clip(|w|, min_value, max_value) + (1 - rate) |w|) / (1e-7 + |w|)

    |w| is the norm of all weights that come into a unit; rate 1 enforces the limits at once.
    (Keras' axis is 0 for dense kernels and (0, 1, 2) for convolutions.)
    """

    kernel = "norm_constraint"

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0) -> None:
        self.min_value = number("min_value", min_value, zero=True)
        self.max_value = number("max_value", max_value)
        self.rate = number("rate", rate)
        if self.min_value > self.max_value or self.rate > 1:
            raise OptionError(
                "min_max_norm needs min_value <= max_value and rate <= 1, not "
                f"{min_value}, {max_value} and {rate}"
            )

    def options(self) -> dict[str, Any]:
        return {"low": self.min_value, "high": self.max_value, "rate": self.rate}
