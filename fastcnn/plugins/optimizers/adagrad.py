"""Adagrad."""

from typing import Unpack

from fastcnn.engine.optimizer import Common, Optimizer, Rate
from fastcnn.engine.options import number
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
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.initial_accumulator_value = number(
            "initial_accumulator_value", initial_accumulator_value, zero=True
        )
        self.epsilon = number("epsilon", epsilon)

    def options(self) -> dict[str, float]:
        return {"epsilon": self.epsilon}

    def initial(self, slot: str) -> float:
        return self.initial_accumulator_value
