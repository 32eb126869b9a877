"""Rectified linear unit."""

from fastcnn.plugins.layers.activation import Activation
from fastcnn.plugins.registry import layers


@layers.register("relu")
class ReLU(Activation):
    """y = max(x, 0), with options as in fastcnn.activations.ReLU (Nair and Hinton 2010)"""

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        name: str | None = None,
    ) -> None:
        options = {"negative_slope": negative_slope, "max_value": max_value, "threshold": threshold}
        super().__init__({"name": "relu", **options}, name)
        self.max_value = max_value
        self.negative_slope = negative_slope
        self.threshold = threshold
