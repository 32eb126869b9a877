"""Swish in straight pieces."""

import numpy as np

from fastcnn.engine.activation import Elementwise
from fastcnn.plugins.registry import activations


@activations.register("hard_swish")
class HardSwish(Elementwise):
    """y = x min(max(x + 3, 0), 6) / 6 (Howard et al. 2019)"""

    def value(self, x):
        return x * np.clip(x + 3, 0, 6) / 6

    def slope(self, x):
        return np.where(abs(x) < 3, (2 * x + 3) / 6, (x > 0).astype(x.dtype))
