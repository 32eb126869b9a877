"""L2 penalty."""

from fastcnn.engine.options import number
from fastcnn.engine.regularizer import Regularizer
from fastcnn.plugins.registry import regularizers


@regularizers.register("l2")
class L2(Regularizer):
    """l2 sum p^2 (Keras' meaning: the gradient is 2 l2 p)."""

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = number("l2", l2, zero=True)
