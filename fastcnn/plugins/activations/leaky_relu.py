"""Leaky rectified linear unit."""

from fastcnn.engine.activation import NativeActivation, not_negative
from fastcnn.engine.expected import Values
from fastcnn.plugins.registry import activations


@activations.register("leaky_relu")
class LeakyReLU(NativeActivation):
    """y = x where x > 0, else negative_slope x; negative_slope >= 0 (Maas et al. 2013)"""

    code = "leaky_relu"

    def __init__(self, negative_slope: float = 0.2) -> None:
        self.negative_slope = self.alpha = not_negative("negative_slope", negative_slope)
        falls = self.negative_slope > 0
        self.output_values = Values() if falls else Values(low=0, stops=True)
