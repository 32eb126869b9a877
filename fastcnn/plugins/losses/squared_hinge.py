"""Squared hinge loss of yes-or-no targets."""

from fastcnn.engine.expected import SIDES
from fastcnn.engine.loss import Loss
from fastcnn.plugins.registry import losses


@losses.register("squared_hinge")
class SquaredHinge(Loss):
    """loss = mean over k of max(0, 1 - t[k] y[k])^2

    Targets are -1 or 1, (N, K), or (N,) for one output; 0 counts as -1, so that class numbers of
    K outputs mean one against the rest. Outputs are scores of any size.
    Source: Tang, Deep learning using linear support vector machines (2013).
    """

    classifies = True
    expected = SIDES

    @property
    def threshold(self) -> float:
        return 0.0
