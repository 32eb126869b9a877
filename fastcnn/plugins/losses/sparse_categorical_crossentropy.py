"""Cross-entropy against class numbers."""

from typing import Any

import numpy as np

from fastcnn.engine.builder import Builder
from fastcnn.engine.tensor import Tensor
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import losses


class Crossentropy:
    """What the cross-entropies share: kernels for logits, or for probabilities."""

    classifies = True
    targets: str
    name: str
    suffix: str

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0) -> None:
        if not 0 <= label_smoothing < 1:
            raise OptionError(f"label_smoothing lies in [0, 1), not {label_smoothing}")
        self.from_logits = from_logits
        self.label_smoothing = float(label_smoothing)

    @property
    def joins_softmax(self) -> bool:
        """Whether it can take the logits in place of a final softmax's output."""
        return not self.from_logits

    def emit(
        self,
        build: Builder,
        y: Tensor,
        targets: Any,
        loss: np.ndarray,
        correct: np.ndarray,
        joined: bool,
    ) -> None:
        """Append the kernel; joined: y are logits, the final softmax being left to this loss."""
        on_logits = joined or self.from_logits
        kernel = ("softmax_cross_entropy" if on_logits else "cross_entropy") + self.suffix
        if self.targets == "labels":
            arguments = {"labels": targets}
        else:
            arguments = {"targets": build.flat(targets), "order": build.order}
        arguments["logits" if on_logits else "probabilities"] = build.flat(y)
        if build.training:
            y.gradient = build.tensor(y.sample)
            gradient = "dlogits" if on_logits else "dprobabilities"
            arguments[gradient] = build.flat(y.gradient)
        build.step(kernel, self._params(kernel), loss=loss, correct=correct, **arguments)
        build.slope_of_output(y)

    def _params(self, kernel: str) -> dict[str, float]:
        if kernel == "softmax_cross_entropy":
            return {"label_smoothing": self.label_smoothing}
        if self.label_smoothing and self.targets == "labels":
            raise OptionError("label_smoothing needs logits, or a model that ends with a softmax")
        return {}


@losses.register("sparse_categorical_crossentropy")
class SparseCategoricalCrossentropy(Crossentropy):
    """loss = -log p[label], p = softmax(logits); the mean over the batch is minimised.

    Targets are class numbers (N,). from_logits: the model's output is logits, not probabilities.
    label_smoothing s: the target is 1 - s + s / K for the label and s / K for the K - 1 others.
    """

    targets = "labels"
    name = "sparse_categorical_crossentropy"
    suffix = ""
