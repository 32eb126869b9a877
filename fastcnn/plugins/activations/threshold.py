"""Step function."""

from fastcnn.engine.activation import NativeActivation
from fastcnn.plugins.registry import activations


@activations.register("threshold")
class Threshold(NativeActivation):
    """y = 1 where x > threshold, else 0 (McCulloch and Pitts 1943)

    Its slope is 0, so nothing before it learns: it serves in nets whose weights are given.
    """

    code = "threshold"

    def __init__(self, threshold: float = 0.0) -> None:
        self.threshold = self.alpha = float(threshold)
