"""All zeros."""

import numpy as np

from fastcnn.engine.layer import Parameter
from fastcnn.plugins.registry import initializers


@initializers.register("zeros")
class Zeros:
    """All zeros."""

    def __call__(self, generator: np.random.Generator, p: Parameter) -> np.ndarray:
        return np.zeros(p.shape, np.float32)
