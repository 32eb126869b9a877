"""Normal with variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010)."""

import numpy as np

from fastcnn.engine.layer import Parameter
from fastcnn.plugins.registry import initializers


@initializers.register("glorot_normal")
class GlorotNormal:
    """Normal with variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010)."""

    def __call__(self, generator: np.random.Generator, p: Parameter) -> np.ndarray:
        return generator.normal(0.0, np.sqrt(2.0 / (p.fan_in + p.fan_out)), p.shape).astype(
            np.float32
        )
