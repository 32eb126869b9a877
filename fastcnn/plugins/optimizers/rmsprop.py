"""Root mean square propagation."""

from fastcnn.engine.optimizer import Optimizer, Rate
from fastcnn.plugins.registry import optimizers


@optimizers.register("rmsprop")
class RMSprop(Optimizer):
    """v = rho v + (1 - rho) g^2;  step = lr g / sqrt(v + epsilon)
    p -= step, or with momentum: m = momentum m + step, p -= m

    (Tieleman and Hinton 2012, as in Keras.)
    """

    kernel = "rmsprop_update"

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.rho = float(rho)
        self.momentum = float(momentum)
        self.epsilon = float(epsilon)

    @property
    def slot_names(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("squares", "velocity") if self.momentum else ("squares",)

    def options(self) -> dict[str, float]:
        return {"rho": self.rho, "momentum": self.momentum, "epsilon": self.epsilon}
