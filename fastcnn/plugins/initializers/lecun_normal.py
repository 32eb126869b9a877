"""Normal with variance 1 / fan_in (LeCun et al. 1998)."""

import numpy as np

from fastcnn.engine.layer import Parameter
from fastcnn.plugins.registry import initializers


@initializers.register("lecun_normal")
class LeCunNormal:
    """Normal with variance 1 / fan_in (LeCun et al. 1998)."""

    def __call__(self, generator: np.random.Generator, p: Parameter) -> np.ndarray:
        return generator.normal(0.0, np.sqrt(1.0 / p.fan_in), p.shape).astype(np.float32)
