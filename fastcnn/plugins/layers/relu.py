"""Rectified linear unit."""

from fastcnn.plugins.layers.activation import Activation
from fastcnn.plugins.registry import layers


@layers.register("relu")
class ReLU(Activation):
    """y = max(x, 0) (Nair and Hinton 2010)"""

    def __init__(self, name: str | None = None) -> None:
        super().__init__("relu", 0.0, name)
