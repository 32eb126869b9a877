"""Layer-wise adaptive rate scaling."""

from typing import Unpack

import numpy as np

from fastcnn.engine.builder import Builder
from fastcnn.engine.clipping import add_penalties, square_sums
from fastcnn.engine.optimizer import Common, Optimizer, Rate
from fastcnn.engine.options import fraction, number
from fastcnn.plugins.registry import optimizers


@optimizers.register("lars")
class LARS(Optimizer):
    """v = momentum v + lr q (g + weight_decay p);  p -= v
    q = trust_coefficient |p| / (|g| + weight_decay |p| + epsilon)

    |p| and |g| are Euclidean norms of one kernel; q is 1 for other parameters (biases, gammas), and
    where |p| or |g| is 0. Here weight decay is not decoupled: it is part of the gradient.
    (You, Gitman and Ginsburg 2017.)
    """

    kernel = "lars_update"
    slot_names = ("velocity",)

    def __init__(
        self,
        learning_rate: Rate = 1.0,
        momentum: float = 0.9,
        trust_coefficient: float = 0.001,
        epsilon: float = 1e-8,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.momentum = fraction("momentum", momentum)
        self.trust_coefficient = number("trust_coefficient", trust_coefficient, zero=True)
        self.epsilon = number("epsilon", epsilon, zero=True)

    def options(self) -> dict[str, float]:
        return {
            "momentum": self.momentum,
            "trust": self.trust_coefficient,
            "epsilon": self.epsilon,
        }

    def prepare(self, build: Builder) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        store = build.store
        penalties = add_penalties(build, super().prepare(build)[0])
        return penalties, {
            "adapted": np.array([store.specs[key].decay for key in store.trainable], np.int64),
            "p_squares": square_sums(build, store.values),
            "g_squares": square_sums(build, store.gradients),
        }
