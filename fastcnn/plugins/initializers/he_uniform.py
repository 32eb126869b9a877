"""Uniform with variance 2 / fan_in (He et al. 2015)."""

import numpy as np

from fastcnn.engine.layer import Parameter
from fastcnn.plugins.registry import initializers


@initializers.register("he_uniform")
class HeUniform:
    """Uniform with variance 2 / fan_in (He et al. 2015)."""

    def __call__(self, generator: np.random.Generator, p: Parameter) -> np.ndarray:
        limit = np.sqrt(3 * 2.0 / p.fan_in)
        return generator.uniform(-limit, limit, p.shape).astype(np.float32)
