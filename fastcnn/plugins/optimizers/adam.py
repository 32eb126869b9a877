"""Adaptive moment estimation."""

from typing import Unpack

from fastcnn.engine.optimizer import Common, Optimizer, Rate
from fastcnn.engine.options import fraction, number
from fastcnn.plugins.registry import optimizers


@optimizers.register("adam")
class Adam(Optimizer):
    """m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
    p -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon)

    t is the iteration, from 1. amsgrad: the largest v so far stands in place of v (see AMSGrad).
    (Kingma and Ba 2015, in the form before its section 2.1, as in Keras.)
    """

    kernel = "adam_update"

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1 = fraction("beta_1", beta_1)
        self.beta_2 = fraction("beta_2", beta_2)
        self.epsilon = number("epsilon", epsilon)
        self.amsgrad = bool(amsgrad)

    @property
    def slot_names(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("m", "v", "largest") if self.amsgrad else ("m", "v")

    def hyper(self, iteration: int, rate: float) -> list[float]:
        return [rate, 1 - self.beta_1**iteration, 1 - self.beta_2**iteration]

    def options(self) -> dict[str, float]:
        return {"beta1": self.beta_1, "beta2": self.beta_2, "epsilon": self.epsilon}
