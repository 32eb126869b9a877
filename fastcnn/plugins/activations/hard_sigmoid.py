"""Logistic function of three straight lines."""

from fastcnn.engine.activation import NativeActivation
from fastcnn.engine.expected import Values
from fastcnn.plugins.registry import activations


@activations.register("hard_sigmoid")
class HardSigmoid(NativeActivation):
    """y = min(max(x + 3, 0), 6) / 6, as in Keras 3 (Howard et al. 2019)

    Not max(0, min(1, 0.2 x + 0.5)), which it was in Keras 2 (Courbariaux et al. 2015).
    """

    code = "hard_sigmoid"
    output_values = Values(0, 1, stops=True)
