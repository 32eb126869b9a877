"""Dice's overlap."""

from fastcnn.engine.expected import PROBABILITIES, Expected
from fastcnn.engine.loss import Loss
from fastcnn.plugins.registry import losses


@losses.register("dice")
class Dice(Loss):
    """loss = 1 - 2 sum over k of y[k] t[k] / (sum y + sum t + 1e-7), of each sample

    Targets are masks (N, K) or images of the outputs' shape, outputs lie in [0, 1]. Keras' `dice`
    with axis=None is the same of a whole batch taken as one sample.
    Source: Milletari et al., V-Net (2016).
    """

    expected = Expected(outputs=PROBABILITIES, targets=PROBABILITIES)
