"""Normal with variance 2 / fan_in (He et al. 2015)."""

import numpy as np

from fastcnn.engine.layer import Parameter
from fastcnn.plugins.registry import initializers


@initializers.register("he_normal")
class HeNormal:
    """Normal with variance 2 / fan_in (He et al. 2015)."""

    def __call__(self, generator: np.random.Generator, p: Parameter) -> np.ndarray:
        return generator.normal(0.0, np.sqrt(2.0 / p.fan_in), p.shape).astype(np.float32)
