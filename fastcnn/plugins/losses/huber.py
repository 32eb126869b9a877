"""Huber's loss."""

import math

from fastcnn.engine.expected import NUMBERS
from fastcnn.engine.loss import Loss
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import losses


@losses.register("huber")
class Huber(Loss):
    """loss = mean over k of d^2 / 2 where |d| <= delta, else delta |d| - delta^2 / 2; d = y - t

    Targets are (N, K), or (N,) for one output. delta: above it outliers count linearly.
    Source: Huber, Robust estimation of a location parameter (1964).
    """

    expected = NUMBERS

    def __init__(self, delta: float = 1.0) -> None:
        if not 0 < delta < math.inf:
            raise OptionError(f"delta must be positive, not {delta}")
        self.delta = float(delta)
