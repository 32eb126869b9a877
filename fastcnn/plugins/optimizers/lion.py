"""Evolved sign momentum."""

from typing import Unpack

from fastcnn.engine.optimizer import Common, Optimizer, Rate
from fastcnn.engine.options import fraction
from fastcnn.plugins.registry import optimizers


@optimizers.register("lion")
class Lion(Optimizer):
    """p -= lr sign(b1 m + (1 - b1) g);  m = b2 m + (1 - b2) g

    Every parameter moves by lr, so lr should be a third to a tenth of Adam's.
    (Chen et al. 2023, as in Keras.)
    """

    kernel = "lion_update"
    slot_names = ("m",)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1 = fraction("beta_1", beta_1)
        self.beta_2 = fraction("beta_2", beta_2)

    def options(self) -> dict[str, float]:
        return {"beta1": self.beta_1, "beta2": self.beta_2}
