"""Weights that hand on their input."""

from typing import Any

import numpy as np

from fastcnn.engine.layer import Parameter
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import initializers, make


@initializers.register("identity")
class Identity:
    """w[k, k] = gain, and at the middle of a convolution's kernel w[k, k, h // 2, w // 2] = gain

    The other weights of these filters or units are 0. (Le, Jaitly and Hinton 2015; for convolutions
    PyTorch's dirac.)
    others: the initializer of the filters or units beyond the number of channels or features.
    """

    def __init__(self, gain: float = 1.0, others: Any = "zeros") -> None:
        self.gain = float(gain)
        self.others = others

    def __call__(self, generator: np.random.Generator, p: Parameter) -> np.ndarray:
        if len(p.shape) < 2:
            raise OptionError(f"identity is for kernels, not for a parameter of shape {p.shape}")
        w = np.array(make(initializers, self.others)(generator, p), np.float32)
        diagonal = np.arange(min(p.shape[:2]))
        w[: len(diagonal)] = 0
        taps = w.reshape(*p.shape[:2], -1)
        taps[diagonal, diagonal, _middle(p.shape[2:])] = self.gain
        return w


def _middle(sizes: tuple[int, ...]) -> int:
    """Number of the middle tap of a kernel of these sizes, in the order of memory."""
    place = 0
    for n in sizes:
        place = place * n + n // 2
    return place
