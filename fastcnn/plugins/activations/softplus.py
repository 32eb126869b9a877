"""Smooth rectifier."""

from fastcnn.engine.activation import NativeActivation
from fastcnn.engine.expected import Values
from fastcnn.plugins.registry import activations


@activations.register("softplus")
class Softplus(NativeActivation):
    """y = log(1 + exp(x)) (Dugas et al. 2001)"""

    code = "softplus"
    output_values = Values(low=0)
