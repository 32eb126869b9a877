"""Uniform between two limits."""

import numpy as np

from fastcnn.engine.layer import Parameter
from fastcnn.plugins.registry import initializers


@initializers.register("uniform")
class Uniform:
    """Uniform on [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05) -> None:
        self.minval = float(minval)
        self.maxval = float(maxval)

    def __call__(self, generator: np.random.Generator, p: Parameter) -> np.ndarray:
        return generator.uniform(self.minval, self.maxval, p.shape).astype(np.float32)
