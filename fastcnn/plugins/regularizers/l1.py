"""L1 penalty."""

from fastcnn.engine.options import number
from fastcnn.engine.regularizer import Regularizer
from fastcnn.plugins.registry import regularizers


@regularizers.register("l1")
class L1(Regularizer):
    """l1 sum|p|"""

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = number("l1", l1, zero=True)
