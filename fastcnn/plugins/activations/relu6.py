"""Rectified linear unit up to 6."""

from fastcnn.engine.activation import NativeActivation
from fastcnn.engine.expected import Values
from fastcnn.plugins.registry import activations


@activations.register("relu6")
class ReLU6(NativeActivation):
    """y = min(max(x, 0), 6) (Krizhevsky 2010)"""

    code = "relu6"
    output_values = Values(0, 6, stops=True)
