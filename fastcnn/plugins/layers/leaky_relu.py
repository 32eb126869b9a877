"""Leaky rectified linear unit."""

from fastcnn.plugins.layers.activation import Activation
from fastcnn.plugins.registry import layers


@layers.register("leaky_relu")
class LeakyReLU(Activation):
    """y = x where x > 0, else negative_slope x (Maas et al. 2013)

    The slope is 0.3 unless given, as of Keras' layer; as of Keras' activation it is 0.2.
    """

    def __init__(self, negative_slope: float = 0.3, name: str | None = None) -> None:
        super().__init__({"name": "leaky_relu", "negative_slope": negative_slope}, name)
        self.negative_slope = negative_slope
