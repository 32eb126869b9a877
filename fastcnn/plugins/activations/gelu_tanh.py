"""Gaussian error linear unit, approximated."""

from fastcnn.engine.activation import NativeActivation
from fastcnn.engine.expected import Values
from fastcnn.plugins.registry import activations


@activations.register("gelu_tanh")
class GELUTanh(NativeActivation):
    """y = x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2

    (Hendrycks and Gimpel 2016); what Keras does with approximate=True.
    """

    code = "gelu_tanh"
    output_values = Values(low=-0.1701)
