"""L2 penalty."""

from fastcnn.plugins.registry import regularizers


@regularizers.register("l2")
class L2:
    """l2 sum p^2 (Keras' meaning: the gradient is 2 l2 p)."""

    l1 = 0.0

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = float(l2)
