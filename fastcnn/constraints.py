"""Public face: the base class of constraints, and every built-in one."""

from fastcnn.engine.constraint import Constraint
from fastcnn.plugins.constraints.max_norm import MaxNorm
from fastcnn.plugins.constraints.min_max_norm import MinMaxNorm
from fastcnn.plugins.constraints.non_neg import NonNeg
from fastcnn.plugins.constraints.unit_norm import UnitNorm

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
]
