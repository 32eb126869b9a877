"""Sum of hinges over the wrong classes."""

from fastcnn.engine.expected import OF_CLASSES
from fastcnn.engine.loss import Loss, between
from fastcnn.plugins.registry import losses


@losses.register("multi_class_hinge")
class MultiClassHinge(Loss):
    """loss = sum over k != label of max(0, y[k] - y[label] + margin): the SVM layer of ConvNetJS

    Targets are class numbers (N,); outputs are scores of any size.
    Source: Weston, Watkins, Support vector machines for multi-class pattern recognition (1999).
    """

    targets = "labels"
    classifies = True
    expected = OF_CLASSES

    def __init__(self, margin: float = 1.0) -> None:
        self.margin = between("margin", margin, 0)
