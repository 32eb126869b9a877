"""Adadelta."""

from typing import Unpack

from fastcnn.engine.optimizer import Common, Optimizer, Rate
from fastcnn.engine.options import fraction, number
from fastcnn.plugins.registry import optimizers


@optimizers.register("adadelta")
class Adadelta(Optimizer):
    """v = rho v + (1 - rho) g^2
    step = sqrt(u + epsilon) / sqrt(v + epsilon) g;  u = rho u + (1 - rho) step^2;  p -= lr step

    (Zeiler 2012; lr = 1 is the paper's rule.)
    """

    kernel = "adadelta_update"
    slot_names = ("squares", "deltas")

    def __init__(
        self,
        learning_rate: Rate = 1.0,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.rho = fraction("rho", rho)
        self.epsilon = number("epsilon", epsilon)

    def options(self) -> dict[str, float]:
        return {"rho": self.rho, "epsilon": self.epsilon}
