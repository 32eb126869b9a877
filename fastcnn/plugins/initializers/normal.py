"""Normal with a given mean and standard deviation."""

import numpy as np

from fastcnn.engine.layer import Parameter
from fastcnn.plugins.registry import initializers


@initializers.register("normal")
class Normal:
    """Normal with this mean and standard deviation."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05) -> None:
        self.mean = float(mean)
        self.stddev = float(stddev)

    def __call__(self, generator: np.random.Generator, p: Parameter) -> np.ndarray:
        return generator.normal(self.mean, self.stddev, p.shape).astype(np.float32)
