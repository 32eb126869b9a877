"""Dropout for nets of SELUs."""

from fastcnn.engine.options import dropout_rate
from fastcnn.kernels.reference.activation import SELU_ALPHA, SELU_SCALE
from fastcnn.plugins.layers.gaussian_noise import Noise
from fastcnn.plugins.registry import layers

FLOOR = -SELU_SCALE * SELU_ALPHA  # what a SELU gives of a very negative number


@layers.register("alpha_dropout")
class AlphaDropout(Noise):
    """Training: y = a x + b with probability 1 - rate, else a floor + b. Otherwise y = x.

    floor = -1.7580993, a = 1 / sqrt((1 - rate) (1 + rate floor^2)), b = -a rate floor keep mean 0
    and variance 1 (Klambauer et al. 2017). Random numbers are keyed as Dropout's, and those of the
    same layer drop the same elements. x and y have one shape.
    """

    kernel = "alpha_dropout"
    any_order = True

    def __init__(self, rate: float, name: str | None = None) -> None:
        self.rate = dropout_rate(rate)
        self.name = name

    def _scale(self) -> float:
        return float(((1 - self.rate) * (1 + self.rate * FLOOR**2)) ** -0.5)

    def params(self) -> dict[str, float] | None:
        if not self.rate:
            return None
        a = self._scale()
        b = -a * self.rate * FLOOR
        return {"rate": self.rate, "scale": a, "shift": b, "dropped": a * FLOOR + b}

    def gradient_params(self) -> dict[str, float] | None:
        """Of dx = a dy where kept, else 0."""
        return {"rate": self.rate, "scale": self._scale(), "shift": 0.0, "dropped": 0.0}
