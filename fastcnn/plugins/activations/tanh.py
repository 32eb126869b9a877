"""Hyperbolic tangent."""

from fastcnn.engine.activation import NativeActivation
from fastcnn.plugins.registry import activations


@activations.register("tanh")
class Tanh(NativeActivation):
    """y = tanh(x)"""

    code = "tanh"
