"""Uniform on [-limit, limit)."""

import numpy as np

from fastcnn.engine.layer import Parameter
from fastcnn.plugins.registry import initializers


@initializers.register("uniform")
class Uniform:
    """Uniform on [-limit, limit)."""

    def __init__(self, limit: float = 0.05) -> None:
        self.limit = float(limit)

    def __call__(self, generator: np.random.Generator, p: Parameter) -> np.ndarray:
        return generator.uniform(-self.limit, self.limit, p.shape).astype(np.float32)
