"""Focal loss of yes-or-no targets."""

from fastcnn.engine.loss import between
from fastcnn.plugins.losses.binary_crossentropy import BinaryCrossentropy
from fastcnn.plugins.registry import losses


@losses.register("binary_focal_crossentropy")
class BinaryFocalCrossentropy(BinaryCrossentropy):
    """loss = mean over k of b m^gamma crossentropy(t[k], p[k]), m = t (1 - p) + (1 - t) p

    m is how wrong an output is, so what is right already counts little. apply_class_balancing:
    b = t alpha + (1 - t) (1 - alpha), otherwise 1. Targets, p and the other options as in
    binary_crossentropy.
    Source: Lin et al., Focal loss for dense object detection (2017).
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(from_logits, label_smoothing)
        self.apply_class_balancing = bool(apply_class_balancing)
        self.alpha = between("alpha", alpha, 0, 1)
        self.gamma = between("gamma", gamma, 0)
