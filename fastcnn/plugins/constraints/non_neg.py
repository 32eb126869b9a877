"""No negative weights."""

from fastcnn.engine.constraint import Constraint
from fastcnn.plugins.registry import constraints


@constraints.register("non_neg")
class NonNeg(Constraint):
    """w = max(w, 0)"""

    kernel = "non_negative"
