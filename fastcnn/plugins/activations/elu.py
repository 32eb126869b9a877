"""Exponential linear unit."""

from fastcnn.engine.activation import NativeActivation, not_negative
from fastcnn.engine.expected import Values
from fastcnn.plugins.registry import activations


@activations.register("elu")
class ELU(NativeActivation):
    """y = x where x > 0, else alpha (exp(x) - 1); alpha >= 0 (Clevert et al. 2015)"""

    code = "elu"

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = not_negative("alpha", alpha)
        self.output_values = Values(low=-self.alpha, stops=self.alpha == 0)
