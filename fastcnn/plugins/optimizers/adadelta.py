"""Adadelta."""

from fastcnn.engine.optimizer import Optimizer, Rate
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
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.rho = float(rho)
        self.epsilon = float(epsilon)

    def options(self) -> dict[str, float]:
        return {"rho": self.rho, "epsilon": self.epsilon}
