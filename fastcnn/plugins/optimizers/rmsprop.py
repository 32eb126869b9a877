"""Root mean square propagation."""

from typing import Unpack

from fastcnn.engine.optimizer import Common, Optimizer, Rate
from fastcnn.engine.options import fraction, number
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
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.rho = fraction("rho", rho)
        self.momentum = fraction("momentum", momentum)
        self.epsilon = number("epsilon", epsilon)

    @property
    def slot_names(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("squares", "velocity") if self.momentum else ("squares",)

    def options(self) -> dict[str, float]:
        return {"rho": self.rho, "momentum": self.momentum, "epsilon": self.epsilon}
