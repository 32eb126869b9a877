"""Softmax over the channels or features."""

from fastcnn.engine.activation import ActivationFunction
from fastcnn.engine.layer import Layer
from fastcnn.plugins.registry import activations, layers


@activations.register("softmax")
class Softmax(ActivationFunction):
    """y[k] = exp(x[k]) / sum over j of exp(x[j]); see the layer Softmax"""

    def layer(self) -> Layer:
        """A Softmax layer."""
        return layers.get("softmax")()
