"""Logistic function."""

from fastcnn.engine.activation import NativeActivation
from fastcnn.engine.expected import Values
from fastcnn.plugins.registry import activations


@activations.register("sigmoid")
class Sigmoid(NativeActivation):
    """y = 1 / (1 + exp(-x))"""

    code = "sigmoid"
    output_values = Values(0, 1)
