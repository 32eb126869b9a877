"""All ones."""

import numpy as np

from fastcnn.engine.layer import Parameter
from fastcnn.plugins.registry import initializers


@initializers.register("ones")
class Ones:
    """All ones."""

    def __call__(self, generator: np.random.Generator, p: Parameter) -> np.ndarray:
        return np.ones(p.shape, np.float32)
