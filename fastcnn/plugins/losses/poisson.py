"""Negative log-likelihood of Poisson counts."""

from fastcnn.engine.expected import COUNTS
from fastcnn.engine.loss import Loss
from fastcnn.plugins.registry import losses


@losses.register("poisson")
class Poisson(Loss):
    """loss = mean over k of y[k] - t[k] log(y[k] + 1e-7); y > 0 are expected counts

    Outputs must not be negative (end with softplus, exp or relu): the loss of such is NaN.
    Targets are counts (N, K), or (N,) for one output.
    """

    expected = COUNTS
