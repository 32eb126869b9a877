"""Scaled exponential linear unit."""

from fastcnn.engine.activation import NativeActivation
from fastcnn.engine.expected import Values
from fastcnn.plugins.registry import activations


@activations.register("selu")
class SELU(NativeActivation):
    """y = s x where x > 0, else s a (exp(x) - 1); s = 1.05070098, a = 1.67326324

    These numbers keep mean 0 and variance 1 from layer to layer, with the initializer lecun_normal.
    (Klambauer et al. 2017.)
    """

    code = "selu"
    output_values = Values(low=-1.7581)
