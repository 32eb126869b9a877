"""Random factors while training."""

import math

from fastcnn.engine.options import dropout_rate
from fastcnn.plugins.layers.gaussian_noise import Noise
from fastcnn.plugins.registry import layers


@layers.register("gaussian_dropout")
class GaussianDropout(Noise):
    """Training: y = x (1 + sqrt(rate / (1 - rate)) n), n normal. Otherwise y = x.

    The factors have the mean and variance of Dropout's at this rate (Srivastava et al. 2014), whose
    way of keying random numbers is theirs, too.
    """

    kernel = "gaussian_dropout"
    any_order = True

    def __init__(self, rate: float, name: str | None = None) -> None:
        self.rate = dropout_rate(rate)
        self.name = name

    def params(self) -> dict[str, float] | None:
        return {"stddev": math.sqrt(self.rate / (1 - self.rate))} if self.rate else None
