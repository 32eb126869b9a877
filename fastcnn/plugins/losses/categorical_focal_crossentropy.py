"""Focal loss of classes."""

from typing import Any

from fastcnn.engine.loss import between
from fastcnn.plugins.losses.categorical_crossentropy import CategoricalCrossentropy
from fastcnn.plugins.registry import losses


@losses.register("categorical_focal_crossentropy")
class CategoricalFocalCrossentropy(CategoricalCrossentropy):
    """loss = -alpha sum over k of t[k] (1 - p[k])^gamma log p[k]

    Classes that are right already count little. Targets, p and the other options as in
    categorical_crossentropy.
    Source: Lin et al., Focal loss for dense object detection (2017).
    """

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(from_logits, label_smoothing)
        self.alpha = between("alpha", alpha, 0)
        self.gamma = between("gamma", gamma, 0)

    def kernel(self, joined: bool) -> tuple[str, dict[str, Any]]:
        options = {**vars(self), "from_logits": joined or self.from_logits}
        return "categorical_focal_crossentropy", options
