"""Hinge loss of the best wrong class."""

from fastcnn.engine.expected import OF_CLASSES
from fastcnn.engine.loss import Loss
from fastcnn.plugins.registry import losses


@losses.register("categorical_hinge")
class CategoricalHinge(Loss):
    """loss = max(0, 1 + max over k of (1 - t[k]) y[k] - sum over k of t[k] y[k])

    Targets are one-hot (N, K) or class numbers (N,). As in Keras, where the output of the right
    class takes part in the maximum as a 0; multi_class_hinge is the sum over the wrong classes.
    """

    classifies = True
    expected = OF_CLASSES
