"""Mish."""

from fastcnn.engine.activation import NativeActivation
from fastcnn.engine.expected import Values
from fastcnn.plugins.registry import activations


@activations.register("mish")
class Mish(NativeActivation):
    """y = x tanh(log(1 + exp(x))) (Misra 2019)"""

    code = "mish"
    output_values = Values(low=-0.3089)
