"""Stochastic gradient descent, with momentum."""

from typing import Unpack

from fastcnn.engine.optimizer import Common, Optimizer, Rate
from fastcnn.engine.options import fraction
from fastcnn.plugins.registry import optimizers


@optimizers.register("sgd")
class SGD(Optimizer):
    """v = momentum v - lr g;  p += v, or with nesterov p += momentum v - lr g

    (Robbins and Monro 1951; Polyak 1964; Nesterov 1983 in the form of Sutskever et al. 2013.)
    """

    kernel = "sgd_update"

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.momentum = fraction("momentum", momentum)
        self.nesterov = bool(nesterov)

    @property
    def slot_names(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("velocity",) if self.momentum else ()

    def options(self) -> dict[str, float]:
        return {"momentum": self.momentum, "nesterov": int(self.nesterov)}
