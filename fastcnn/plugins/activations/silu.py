"""Swish under its other name."""

from fastcnn.plugins.activations.swish import Swish
from fastcnn.plugins.registry import activations


@activations.register("silu")
class SiLU(Swish):
    """y = x / (1 + exp(-x)) (Elfwing et al. 2017), also known as swish"""
