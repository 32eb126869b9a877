"""Hyperbolic tangent."""

from fastcnn.engine.activation import NativeActivation
from fastcnn.engine.expected import Values
from fastcnn.plugins.registry import activations


@activations.register("tanh")
class Tanh(NativeActivation):
    """y = tanh(x)"""

    code = "tanh"
    output_values = Values(-1, 1)
