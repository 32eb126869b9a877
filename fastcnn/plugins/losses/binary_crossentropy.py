"""Cross-entropy of yes-or-no targets."""

from fastcnn.engine.expected import YES_OR_NO, YES_OR_NO_LOGITS, Expected
from fastcnn.engine.loss import Loss, smoothing
from fastcnn.plugins.registry import losses


@losses.register("binary_crossentropy")
class BinaryCrossentropy(Loss):
    """loss = mean over k of -t[k] log p[k] - (1 - t[k]) log(1 - p[k])

    Targets are probabilities (N, K), or (N,) for one output. from_logits: p = sigmoid(y), else y
    clipped to [1e-7, 1 - 1e-7]. label_smoothing s: the target is (1 - s) t + s / 2.
    """

    classifies = True

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0) -> None:
        self.from_logits = bool(from_logits)
        self.label_smoothing = smoothing(label_smoothing)

    @property
    def expected(self) -> Expected:
        return YES_OR_NO_LOGITS if self.from_logits else YES_OR_NO

    @property
    def threshold(self) -> float:
        return 0.0 if self.from_logits else 0.5
