"""What a loss is: which kernel measures how far outputs are from targets, and its gradient."""

import math
from typing import Any

import numpy as np

from fastcnn.engine.builder import Builder
from fastcnn.engine.expected import Expected
from fastcnn.engine.tensor import Tensor
from fastcnn.errors import OptionError


class Loss:
    """Base of all losses. Subclasses store their options in `__init__` and register a name.

    A loss has one figure for each sample, 1/N of whose weighted sum over the N samples of a batch
    is minimised. It sees outputs of any shape flat: K figures a sample.
    """

    registered_name: str = ""
    targets = "dense"  # (N, K); "labels": class numbers (N,)
    classifies = False  # whether accuracy means something

    @property
    def name(self) -> str:
        """For messages."""
        return self.registered_name

    @property
    def expected(self) -> Expected:
        """Outputs and targets that make sense to it: `fit` says what does not. By default all."""
        return Expected()

    @property
    def threshold(self) -> float:
        """A single output above it says yes; for accuracy."""
        return 0.5

    @property
    def joins_softmax(self) -> bool:
        """Whether it can take the logits in place of a final softmax's output."""
        return False

    def dense(self) -> "Loss":
        """The same loss for targets (N, K) that are mixtures of classes."""
        if self.targets == "labels":
            raise OptionError(
                f"mixup and cutmix need a loss for soft targets, not {self.name}: for example"
                " sparse_categorical_crossentropy, which then works as categorical_crossentropy"
            )
        return self

    def kernel(self, joined: bool) -> tuple[str, dict[str, Any]]:
        """Name and parameters; joined: the outputs are logits, the softmax being left to it."""
        return self.registered_name, vars(self)

    def emit(
        self,
        build: Builder,
        y: Tensor,
        targets: Any,
        loss: np.ndarray,
        correct: np.ndarray,
        joined: bool,
        weight: np.ndarray | None = None,
    ) -> None:
        """Append the kernels, and the slope of the activation that produced y."""
        arguments = self.arguments(build, y, targets)
        if self.classifies:
            kernel = "correct_labels" if self.targets == "labels" else "correct_dense"
            threshold = {"threshold": 0.0 if joined else self.threshold}
            build.step(kernel, threshold, correct=correct, **arguments)
        if build.training:
            y.gradient = build.tensor(y.sample)
            arguments["dpredictions"] = build.flat(y.gradient)
        kernel, params = self.kernel(joined)
        build.step(kernel, params, weight=weight, loss=loss, **arguments)
        build.slope_of_output(y)

    def arguments(self, build: Builder, y: Tensor, targets: Any) -> dict[str, Any]:
        """Tensors that the kernel reads: outputs, class numbers or targets and their order."""
        if self.targets == "labels":
            return {"predictions": build.flat(y), "labels": targets}
        flat = build.flat(targets)
        return {"predictions": build.flat(y), "targets": flat, "order": build.order}


def between(name: str, value: float, low: float, high: float = math.inf) -> float:
    """An option that must be a finite number in [low, high]."""
    if not low <= value <= high or math.isinf(value):
        raise OptionError(f"{name} must lie between {low:g} and {high:g}, not {value}")
    return float(value)


def smoothing(label_smoothing: float) -> float:
    if not 0 <= label_smoothing < 1:
        raise OptionError(f"label_smoothing lies in [0, 1), not {label_smoothing}")
    return float(label_smoothing)
