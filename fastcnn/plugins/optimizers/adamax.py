"""Adam with the infinity norm."""

from typing import Unpack

from fastcnn.engine.optimizer import Common, Optimizer, Rate
from fastcnn.engine.options import fraction, number
from fastcnn.plugins.registry import optimizers


@optimizers.register("adamax")
class Adamax(Optimizer):
    """m = b1 m + (1 - b1) g;  u = max(b2 u, |g|)
    p -= lr / (1 - b1^t) m / (u + epsilon)

    t is the iteration, from 1. (Kingma and Ba 2015, section 7.1, as in Keras.)
    """

    kernel = "adamax_update"
    slot_names = ("m", "u")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1 = fraction("beta_1", beta_1)
        self.beta_2 = fraction("beta_2", beta_2)
        self.epsilon = number("epsilon", epsilon)

    def hyper(self, iteration: int, rate: float) -> list[float]:
        return [rate, 1 - self.beta_1**iteration]

    def options(self) -> dict[str, float]:
        return {"beta1": self.beta_1, "beta2": self.beta_2, "epsilon": self.epsilon}
