"""The identity."""

from fastcnn.engine.activation import NativeActivation
from fastcnn.engine.expected import Values
from fastcnn.plugins.registry import activations


@activations.register("linear")
class Linear(NativeActivation):
    """y = x"""

    code = "linear"
    output_values = Values()
