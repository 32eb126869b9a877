"""Cross-entropy against class numbers."""

from typing import Any

from fastcnn.engine.expected import CLASS_LOGITS, CLASSES, Expected
from fastcnn.engine.loss import Loss, smoothing
from fastcnn.plugins.registry import losses, make


@losses.register("sparse_categorical_crossentropy")
class SparseCategoricalCrossentropy(Loss):
    """loss = -log p[label]

    Targets are class numbers (N,). from_logits: p = softmax(y), else y / sum of y, clipped to
    [1e-7, 1 - 1e-7]; a model's final softmax is joined with the loss and computed from logits.
    label_smoothing s: the target is 1 - s + s / K for the label and s / K for the K - 1 others.
    """

    targets = "labels"
    classifies = True
    suffix = ""

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0) -> None:
        self.from_logits = bool(from_logits)
        self.label_smoothing = smoothing(label_smoothing)

    @property
    def expected(self) -> Expected:
        return CLASS_LOGITS if self.from_logits else CLASSES

    @property
    def joins_softmax(self) -> bool:
        return not self.from_logits

    def dense(self) -> Loss:
        return make(losses, {"name": "categorical_crossentropy", **vars(self)})

    def kernel(self, joined: bool) -> tuple[str, dict[str, Any]]:
        kernel = "softmax_cross_entropy" if joined or self.from_logits else "cross_entropy"
        return kernel + self.suffix, vars(self)
