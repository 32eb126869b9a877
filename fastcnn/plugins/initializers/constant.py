"""One value everywhere."""

import numpy as np

from fastcnn.engine.layer import Parameter
from fastcnn.plugins.registry import initializers


@initializers.register("constant")
class Constant:
    """One value everywhere."""

    def __init__(self, value: float = 0.0) -> None:
        self.value = float(value)

    def __call__(self, generator: np.random.Generator, p: Parameter) -> np.ndarray:
        return np.full(p.shape, self.value, np.float32)
