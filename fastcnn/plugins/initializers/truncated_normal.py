"""Normal, drawn again where it is further than two standard deviations from the mean."""

import numpy as np

from fastcnn.engine.layer import Parameter
from fastcnn.plugins.registry import initializers


@initializers.register("truncated_normal")
class TruncatedNormal:
    """Normal with this mean and standard deviation, drawn again beyond mean +- 2 stddev."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05) -> None:
        self.mean = float(mean)
        self.stddev = float(stddev)

    def __call__(self, generator: np.random.Generator, p: Parameter) -> np.ndarray:
        z = generator.normal(size=p.shape)
        while (far := np.abs(z) > 2).any():
            z[far] = generator.normal(size=int(far.sum()))
        return (self.mean + self.stddev * z).astype(np.float32)
