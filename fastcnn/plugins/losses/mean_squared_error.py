"""Mean squared error."""

from fastcnn.engine.expected import NUMBERS
from fastcnn.engine.loss import Loss
from fastcnn.plugins.registry import losses


@losses.register("mean_squared_error")
class MeanSquaredError(Loss):
    """loss = mean over k of (y[k] - t[k])^2

    Targets are (N, K), or (N,) for one output.
    """

    expected = NUMBERS
