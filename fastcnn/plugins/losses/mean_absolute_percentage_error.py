"""Mean absolute percentage error."""

from fastcnn.engine.expected import Expected
from fastcnn.engine.loss import Loss
from fastcnn.plugins.registry import losses


@losses.register("mean_absolute_percentage_error")
class MeanAbsolutePercentageError(Loss):
    """loss = mean over k of 100 |y[k] - t[k]| / max(|t[k]|, 1e-7), in per cent of the targets

    Targets are (N, K), or (N,) for one output.
    """

    expected = Expected(reaches_targets=True, relative_to_targets=True)
