"""Uniform with variance 1 / fan_in (LeCun et al. 1998)."""

import numpy as np

from fastcnn.engine.layer import Parameter
from fastcnn.plugins.registry import initializers


@initializers.register("lecun_uniform")
class LeCunUniform:
    """Uniform with variance 1 / fan_in (LeCun et al. 1998)."""

    def __call__(self, generator: np.random.Generator, p: Parameter) -> np.ndarray:
        limit = np.sqrt(3 * 1.0 / p.fan_in)
        return generator.uniform(-limit, limit, p.shape).astype(np.float32)
