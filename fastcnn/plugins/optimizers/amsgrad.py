"""Adam with a long memory."""

from typing import Unpack

from fastcnn.engine.optimizer import Common, Rate
from fastcnn.plugins.optimizers.adam import Adam
from fastcnn.plugins.registry import optimizers


@optimizers.register("amsgrad")
class AMSGrad(Adam):
    """m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  largest = max(largest, v)
    p -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(largest) + epsilon)

    Adam with amsgrad=True; t is the iteration, from 1.
    (Reddi, Kale and Kumar 2018, with Adam's bias correction, as in Keras.)
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad=True, **common)
