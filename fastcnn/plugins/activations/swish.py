"""Swish."""

from fastcnn.engine.activation import NativeActivation
from fastcnn.engine.expected import Values
from fastcnn.plugins.registry import activations


@activations.register("swish")
class Swish(NativeActivation):
    """y = x / (1 + exp(-x)) (Ramachandran et al. 2017), also known as silu"""

    code = "swish"
    output_values = Values(low=-0.2785)
