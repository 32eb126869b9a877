"""Adam with Nesterov momentum."""

from typing import Unpack

from fastcnn.engine.optimizer import Common, Optimizer, Rate
from fastcnn.engine.options import fraction, number
from fastcnn.plugins.registry import optimizers


@optimizers.register("nadam")
class Nadam(Optimizer):
    """m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
    p -= lr (a m + b g) / (sqrt(v / (1 - b2^t)) + epsilon)

    a = mu[t + 1] / (1 - mu[1] ... mu[t + 1]), b = (1 - mu[t]) / (1 - mu[1] ... mu[t]),
    mu[t] = b1 (1 - 0.96^(momentum_decay t) / 2), t is the iteration, from 1.
    (Dozat 2016, as in Keras; PyTorch's momentum_decay is 0.004.)
    """

    kernel = "nadam_update"
    slot_names = ("m", "v")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        momentum_decay: float = 1.0,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1 = fraction("beta_1", beta_1)
        self.beta_2 = fraction("beta_2", beta_2)
        self.epsilon = number("epsilon", epsilon)
        self.momentum_decay = number("momentum_decay", momentum_decay, zero=True)
        self._known = (0, 1.0)  # an iteration t, and mu[1] ... mu[t]

    def _mu(self, iteration: int) -> float:
        return self.beta_1 * (1 - 0.5 * 0.96 ** (self.momentum_decay * iteration))

    def _product(self, iteration: int) -> float:
        t, product = self._known if self._known[0] <= iteration else (0, 1.0)
        while t < iteration:
            t += 1
            product *= self._mu(t)
        self._known = (t, product)
        return product

    def hyper(self, iteration: int, rate: float) -> list[float]:
        now, ahead = self._mu(iteration), self._mu(iteration + 1)
        product = self._product(iteration)
        return [
            rate,
            ahead / (1 - product * ahead),
            (1 - now) / (1 - product),
            1 - self.beta_2**iteration,
        ]

    def options(self) -> dict[str, float]:
        return {"beta1": self.beta_1, "beta2": self.beta_2, "epsilon": self.epsilon}
