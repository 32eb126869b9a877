"""Logarithm of the softmax over the channels or features."""

from fastcnn.engine.activation import ActivationFunction
from fastcnn.engine.layer import Layer
from fastcnn.plugins.registry import activations, layers


@activations.register("log_softmax")
class LogSoftmax(ActivationFunction):
    """y[k] = x[k] - log(sum over j of exp(x[j])); see the layer LogSoftmax"""

    def layer(self) -> Layer:
        """A LogSoftmax layer."""
        return layers.get("log_softmax")()
