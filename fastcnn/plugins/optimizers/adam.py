"""Adaptive moment estimation."""

from fastcnn.engine.optimizer import Optimizer, Rate
from fastcnn.plugins.registry import optimizers


@optimizers.register("adam")
class Adam(Optimizer):
    """m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
    p -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon)

    t is the iteration, from 1.
    (Kingma and Ba 2015, in the form before its section 2.1, as in Keras.)
    """

    kernel = "adam_update"
    slot_names = ("m", "v")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.beta_1 = float(beta_1)
        self.beta_2 = float(beta_2)
        self.epsilon = float(epsilon)

    def hyper(self, iteration: int, rate: float) -> list[float]:
        return [rate, 1 - self.beta_1**iteration, 1 - self.beta_2**iteration]

    def options(self) -> dict[str, float]:
        return {"beta1": self.beta_1, "beta2": self.beta_2, "epsilon": self.epsilon}
