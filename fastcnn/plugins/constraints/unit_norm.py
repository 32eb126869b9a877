"""Weights of norm 1."""

from typing import Any

from fastcnn.engine.constraint import Constraint
from fastcnn.plugins.registry import constraints


@constraints.register("unit_norm")
class UnitNorm(Constraint):
    """w /= 1e-7 + |w|, |w| the norm of all weights that come into a unit

    (Keras' axis is 0 for dense kernels and (0, 1, 2) for convolutions.)
    """

    kernel = "norm_constraint"

    def options(self) -> dict[str, Any]:
        return {"low": 1.0, "high": 1.0}
