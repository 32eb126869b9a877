"""Leaky rectified linear unit."""

from fastcnn.plugins.layers.activation import Activation
from fastcnn.plugins.registry import layers


@layers.register("leaky_relu")
class LeakyReLU(Activation):
    """y = x where x > 0, else negative_slope x (Maas et al. 2013)"""

    def __init__(self, negative_slope: float = 0.3, name: str | None = None) -> None:
        super().__init__("leaky_relu", negative_slope, name)
        self.negative_slope = float(negative_slope)
