"""Adagrad."""

from fastcnn.engine.optimizer import Optimizer, Rate
from fastcnn.plugins.registry import optimizers


@optimizers.register("adagrad")
class Adagrad(Optimizer):
    """v = v + g^2;  p -= lr g / sqrt(v + epsilon), with v = initial_accumulator_value at first

    (Duchi et al. 2011, as in Keras.)
    """

    kernel = "adagrad_update"
    slot_names = ("squares",)

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.initial_accumulator_value = float(initial_accumulator_value)
        self.epsilon = float(epsilon)

    def options(self) -> dict[str, float]:
        return {"epsilon": self.epsilon}

    def initial(self, slot: str) -> float:
        return self.initial_accumulator_value
