"""Log-cosh."""

from fastcnn.engine.expected import NUMBERS
from fastcnn.engine.loss import Loss
from fastcnn.plugins.registry import losses


@losses.register("log_cosh")
class LogCosh(Loss):
    """loss = mean over k of log(cosh(y[k] - t[k])): d^2 / 2 of small differences, |d| of large ones

    Targets are (N, K), or (N,) for one output.
    """

    expected = NUMBERS
