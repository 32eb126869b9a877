"""An upper limit of norms."""

from typing import Any

from fastcnn.engine.constraint import Constraint
from fastcnn.engine.options import number
from fastcnn.plugins.registry import constraints


@constraints.register("max_norm")
class MaxNorm(Constraint):
    """w *= min(|w|, max_value) / (1e-7 + |w|), |w| the norm of all weights that come into a unit

    (Srebro and Shraibman 2005. Keras' axis is 0 for dense kernels and (0, 1, 2) for convolutions.)
    """

    kernel = "norm_constraint"

    def __init__(self, max_value: float = 2.0) -> None:
        self.max_value = number("max_value", max_value)

    def options(self) -> dict[str, Any]:
        return {"low": 0.0, "high": self.max_value}
