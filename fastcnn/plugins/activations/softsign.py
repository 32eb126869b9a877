"""Softsign."""

from fastcnn.engine.activation import NativeActivation
from fastcnn.engine.expected import Values
from fastcnn.plugins.registry import activations


@activations.register("softsign")
class Softsign(NativeActivation):
    """y = x / (1 + |x|) (Bergstra et al. 2009)

    The slope is taken from y, as (1 - |y|)^2: where |x| > 1000 it has two digits fewer than others.
    """

    code = "softsign"
    output_values = Values(-1, 1)
