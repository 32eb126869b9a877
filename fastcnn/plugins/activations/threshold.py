"""Step function."""

from fastcnn.engine.activation import NativeActivation
from fastcnn.engine.expected import Values
from fastcnn.plugins.registry import activations


@activations.register("threshold")
class Threshold(NativeActivation):
    """y = 1 where x > threshold, else 0 (McCulloch and Pitts 1943)

    Its slope is 0, so nothing before it learns: it serves in nets whose weights are given.
    """

    code = "threshold"
    output_values = Values(0, 1, stops=True, flat=True)

    def __init__(self, threshold: float = 0.0) -> None:
        self.threshold = self.alpha = float(threshold)
