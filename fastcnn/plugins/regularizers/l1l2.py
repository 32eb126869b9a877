"""L1 and L2 penalty together."""

from fastcnn.engine.options import number
from fastcnn.engine.regularizer import Regularizer
from fastcnn.plugins.registry import regularizers


@regularizers.register("l1l2")
class L1L2(Regularizer):
    """l1 sum|p| + l2 sum p^2 (Keras' meaning: the gradient of the second term is 2 l2 p)."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = number("l1", l1, zero=True)
        self.l2 = number("l2", l2, zero=True)
