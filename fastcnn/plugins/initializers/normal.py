"""Normal with mean 0 and the given standard deviation."""

import numpy as np

from fastcnn.engine.layer import Parameter
from fastcnn.plugins.registry import initializers


@initializers.register("normal")
class Normal:
    """Normal with mean 0 and the given standard deviation."""

    def __init__(self, stddev: float = 0.01) -> None:
        self.stddev = float(stddev)

    def __call__(self, generator: np.random.Generator, p: Parameter) -> np.ndarray:
        return generator.normal(0.0, self.stddev, p.shape).astype(np.float32)
