"""Rectified linear unit."""

import math

import numpy as np

from fastcnn.engine.activation import Kernels, NativeActivation, not_negative
from fastcnn.engine.expected import Values
from fastcnn.kernels.reference.activation import rectified, rectifier_slope
from fastcnn.plugins.registry import activations


@activations.register("relu")
class ReLU(NativeActivation):
    """y = max_value where x >= max_value, x where x > threshold, else the line below.

    The line is negative_slope (x - threshold). As it goes without options, y = max(x, 0) (Nair and
    Hinton 2010). It is fused into the layers around it but for a threshold, or a max_value that is
    not 6 or comes with a negative_slope. None of the options may be negative.
    """

    def __init__(
        self,
        negative_slope: float = 0.0,
        max_value: float | None = None,
        threshold: float = 0.0,
    ) -> None:
        self.negative_slope = not_negative("negative_slope", negative_slope)
        self.max_value = None if max_value is None else not_negative("max_value", max_value)
        self.threshold = not_negative("threshold", threshold)
        self.alpha = self.negative_slope
        self.code = self._code()
        self.output_values = self._values()

    def _code(self) -> str:
        leaky = self.negative_slope > 0
        if self.threshold > 0 or (leaky and self.max_value is not None):
            return ""
        unbounded = "leaky_relu" if leaky else "relu"
        return {None: unbounded, 6.0: "relu6"}.get(self.max_value, "")

    def _values(self) -> Values:
        high = math.inf if self.max_value is None else self.max_value
        low = -math.inf if self.negative_slope > 0 else 0.0
        return Values(low, high, stops=low == 0, flat=high <= self.threshold and low == 0)

    def _options(self) -> dict[str, float]:
        most = math.inf if self.max_value is None else self.max_value
        line = {"negative_slope": self.negative_slope, "threshold": self.threshold}
        return {"max_value": most, **line}

    def value(self, x: np.ndarray) -> np.ndarray:
        """f(x), in NumPy."""
        return rectified(np.asarray(x), **self._options())

    def slope(self, x: np.ndarray) -> np.ndarray:
        """f'(x), in NumPy."""
        return rectifier_slope(np.asarray(x), **self._options())

    def kernels(self) -> Kernels:
        """Those of the activations that may be fused, or the ones of any options."""
        if self.code:
            return super().kernels()
        return Kernels("rectifier_forward", "rectifier_backward", self._options())
