"""Stochastic gradient descent, with momentum."""

from fastcnn.engine.optimizer import Optimizer, Rate
from fastcnn.errors import OptionError
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
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        if not 0 <= momentum < 1:
            raise OptionError(f"momentum lies in [0, 1), not {momentum}")
        self.momentum = float(momentum)
        self.nesterov = bool(nesterov)

    @property
    def slot_names(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("velocity",) if self.momentum else ()

    def options(self) -> dict[str, float]:
        return {"momentum": self.momentum, "nesterov": int(self.nesterov)}
