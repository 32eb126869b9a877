"""Mean squared logarithmic error."""

from dataclasses import replace

from fastcnn.engine.expected import COUNTS
from fastcnn.engine.loss import Loss
from fastcnn.plugins.registry import losses


@losses.register("mean_squared_logarithmic_error")
class MeanSquaredLogarithmicError(Loss):
    """loss = mean over k of (log(1 + y[k]) - log(1 + t[k]))^2, for y, t >= 0

    Outputs and targets below 1e-7 count as 1e-7; no gradient flows to such outputs.
    Targets are (N, K), or (N,) for one output.
    """

    expected = replace(COUNTS, strict=False)
