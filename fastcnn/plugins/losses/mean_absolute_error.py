"""Mean absolute error."""

from fastcnn.engine.expected import NUMBERS
from fastcnn.engine.loss import Loss
from fastcnn.plugins.registry import losses


@losses.register("mean_absolute_error")
class MeanAbsoluteError(Loss):
    """loss = mean over k of |y[k] - t[k]|; the gradient is 0 where y[k] = t[k]

    Targets are (N, K), or (N,) for one output.
    """

    expected = NUMBERS
