"""Rectified Adam."""

import math
from typing import Unpack

from fastcnn.engine.optimizer import Common, Optimizer, Rate
from fastcnn.engine.options import fraction, number
from fastcnn.plugins.registry import optimizers


@optimizers.register("radam")
class RAdam(Optimizer):
    """m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
    p -= lr r sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon)     if rho > 5
    p -= lr / (1 - b1^t) m                                            before

    R = 2 / (1 - b2) - 1, rho = R - 2 t b2^t / (1 - b2^t), t the iteration, from 1,
    r^2 = (rho - 4) (rho - 2) R / ((R - 4) (R - 2) rho).
    (Liu et al. 2020, as in PyTorch.)
    """

    kernel = "radam_update"
    slot_names = ("m", "v")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1 = fraction("beta_1", beta_1)
        self.beta_2 = fraction("beta_2", beta_2)
        self.epsilon = number("epsilon", epsilon)

    def hyper(self, iteration: int, rate: float) -> list[float]:
        decay = self.beta_2**iteration
        return [rate, 1 - self.beta_1**iteration, 1 - decay, self._rectification(iteration, decay)]

    def _rectification(self, iteration: int, decay: float) -> float:
        """r, or 0 where the variance of v is not tractable yet."""
        most = 2 / (1 - self.beta_2) - 1
        rho = most - 2 * iteration * decay / (1 - decay)
        if rho <= 5:
            return 0.0
        return math.sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))

    def options(self) -> dict[str, float]:
        return {"beta1": self.beta_1, "beta2": self.beta_2, "epsilon": self.epsilon}
