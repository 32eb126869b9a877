"""Gaussian error linear unit."""

from fastcnn.engine.activation import NativeActivation
from fastcnn.engine.expected import Values
from fastcnn.plugins.registry import activations


@activations.register("gelu")
class GELU(NativeActivation):
    """y = x P(X < x), X normal with mean 0 and variance 1: x (1 + erf(x / sqrt 2)) / 2

    (Hendrycks and Gimpel 2016.) For the approximation by tanh see gelu_tanh.
    """

    code = "gelu"
    output_values = Values(low=-0.17)
