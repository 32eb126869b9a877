"""Exponential linear unit."""

from fastcnn.plugins.layers.activation import Activation
from fastcnn.plugins.registry import layers


@layers.register("elu")
class ELU(Activation):
    """y = x where x > 0, else alpha (exp(x) - 1) (Clevert et al. 2015)"""

    def __init__(self, alpha: float = 1.0, name: str | None = None) -> None:
        super().__init__({"name": "elu", "alpha": alpha}, name)
        self.alpha = alpha
