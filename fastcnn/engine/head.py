"""An output of a model with its loss, and the kernels that measure it."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastcnn.engine.augmenter import Augmenter
from fastcnn.engine.builder import Builder
from fastcnn.engine.graph import Node
from fastcnn.engine.tensor import Tensor
from fastcnn.kernels import Program


@dataclass
class Head:
    """An output with its loss and metrics, and the figures of the last batch, one for each image.

    weight: of the loss among those of other outputs. weighted: whether samples have weights.
    logits: whether the loss takes the final softmax upon itself.
    outputs: rows for metrics, if there are any.
    """

    name: str
    node: Node
    loss: Any = None
    weight: float = 1.0
    metrics: dict[str, Any] = field(default_factory=dict)
    weighted: bool = False
    logits: bool = False
    losses: np.ndarray | None = None
    correct: np.ndarray | None = None
    outputs: np.ndarray | None = None
    steps: dict[str, int] = field(default_factory=dict)  # the kernels that gather

    def emit(self, build: Builder, y: Tensor, mixing: Augmenter | None = None) -> None:
        """Loss and gradient, which goes to a stand-in first, since y may have others too.

        mixing: what mixes the images, and so the targets.
        """
        self.losses = build.array(build.order.shape, build.dtype, 0)
        self.correct = build.array(build.order.shape, build.dtype, 0)
        loss = self.loss if mixing is None else self.loss.dense()
        targets = self._gather_targets(build, y, mixing)
        weight = self._gather_weights(build) if self.weighted else None
        if self.metrics:
            self._read_out(build, y)
        stand_in = build.alias(y, y.sample)
        figures = (self.losses, self.correct)
        loss.emit(build, stand_in, targets, *figures, self.logits, weight)
        if stand_in.gradient is not None:
            build.accept_gradient(y, build.scaled(stand_in.gradient, self.weight))

    def _gather_targets(self, build: Builder, y: Tensor, mixing: Augmenter | None) -> Any:
        self.steps["targets"] = build.next_step
        if self.loss.targets == "labels":
            labels = build.array(build.order.shape, "int64", -1)
            none = np.zeros(1, np.int64)
            build.step("gather_labels", labels=none, order=build.order, out=labels)
            return labels if mixing is None else self._mix_labels(build, y, labels, mixing)
        size = math.prod(y.sample)
        targets = build.tensor((size,))
        images = np.zeros((1, 1, 1, size), np.float32)
        if mixing is None:
            build.step("gather_images", images=images, order=build.order, x=targets)
        else:
            arrays: dict[str, Any] = mixing.target_arrays()
            build.step("augment_images", images=images, order=build.order, x=targets, **arrays)
        return targets

    @staticmethod
    def _mix_labels(build: Builder, y: Tensor, labels: np.ndarray, mixing: Augmenter) -> Tensor:
        targets = build.tensor((math.prod(y.sample),))
        arrays: dict[str, Any] = {
            "labels": labels,
            "partner": mixing.arrays["partner"],
            "own": mixing.own,
        }
        build.step("mix_targets", targets=build.flat(targets), **arrays)
        return targets

    def _gather_weights(self, build: Builder) -> np.ndarray:
        """Weights come as images of one pixel do."""
        weight = build.array(build.order.shape, build.dtype, 0)
        blocks, lanes = weight.shape
        self.steps["weights"] = build.next_step
        images, x = np.zeros((1, 1, 1, 1), np.float32), weight.reshape(blocks, 1, 1, 1, lanes)
        build.step("gather_images", images=images, order=build.order, x=x)
        return weight

    def _read_out(self, build: Builder, y: Tensor) -> None:
        """What the model would predict, for metrics."""
        rows = build.blocks * build.lanes
        self.outputs = build.array((rows, math.prod(y.sample)), build.dtype, 0)
        if self.logits:
            probabilities = build.tensor(y.sample)
            build.step("softmax_forward", x=y, y=probabilities)
            y = probabilities
        build.step("scatter_rows", x=build.flat(y), out=self.outputs)

    def bind(self, program: Program, targets: np.ndarray, weights: np.ndarray | None) -> None:
        """Take targets and weights from here from now on."""
        if targets.ndim == 1:
            program.rebind(self.steps["targets"], "labels", targets)
        else:
            wide = targets.reshape(len(targets), 1, 1, -1)
            program.rebind(self.steps["targets"], "images", wide)
        if self.weighted and weights is not None:
            program.rebind(self.steps["weights"], "images", weights.reshape(-1, 1, 1, 1))
