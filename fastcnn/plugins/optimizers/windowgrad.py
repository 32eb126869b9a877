"""Adagrad over a moving window."""

from typing import Unpack

from fastcnn.engine.optimizer import Common, Optimizer, Rate
from fastcnn.engine.options import fraction, number
from fastcnn.plugins.registry import optimizers


@optimizers.register("windowgrad")
class Windowgrad(Optimizer):
    """v = rho v + (1 - rho) g^2;  p -= lr g / sqrt(v + epsilon)

    RMSprop without momentum, with the defaults of ConvNetJS' trainer of this name.
    (Zeiler 2012, "Idea 1".)
    """

    kernel = "rmsprop_update"
    slot_names = ("squares",)

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        rho: float = 0.95,
        epsilon: float = 1e-8,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.rho = fraction("rho", rho)
        self.epsilon = number("epsilon", epsilon)

    def options(self) -> dict[str, float]:
        return {"rho": self.rho, "epsilon": self.epsilon}
