"""A model compiled for one batch size: a flat list of kernels with bound buffers."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastcnn.engine.builder import Builder
from fastcnn.engine.graph import Graph
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.regularizer import regularize
from fastcnn.engine.stage import make_stages
from fastcnn.engine.tensor import Tensor
from fastcnn.errors import ShapeError
from fastcnn.kernels import Program


@dataclass(frozen=True)
class Preprocessing:
    """x = pixel * scale[channel] + offset[channel], applied while a batch is gathered."""

    scale: np.ndarray
    offset: np.ndarray


@dataclass
class Source:
    """Where samples come from: images (N, H, W, C) and, for a loss, targets."""

    images: np.ndarray
    targets: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.images)


class Plan:
    """`run(order)` gathers these samples of the bound source and runs every kernel once.

    purpose "train": forward, loss, backward, optimizer; "evaluate": forward, loss; "predict":
    forward, and `outputs` holds the results.
    """

    def __init__(
        self,
        graph: Graph,
        store: ParameterStore,
        preprocessing: Preprocessing,
        batch: int,
        purpose: str,
        *,
        loss: Any = None,
        optimizer: Any = None,
        backend: str | None = None,
        fuse: bool = True,
    ) -> None:
        self.batch = batch
        self.purpose = purpose
        self.lanes = choose_lanes(graph, batch)
        build = Builder(store, batch, self.lanes, purpose == "train", backend)
        build.with_loss = purpose != "predict"
        self.order, self.state = build.order, build.state
        self.labels = build.array(self.order.shape, "int64", -1)
        self.losses = build.array(self.order.shape, build.dtype, 0)
        self.correct = build.array(self.order.shape, build.dtype, 0)
        self.outputs: np.ndarray | None = None
        self.stages = make_stages(graph, self.lanes, fuse)
        self._steps: dict[str, int] = {}
        self._forward(build, graph, preprocessing, loss)
        if purpose == "predict":
            self._read_out(build)
        else:
            self._add_loss(build, loss)
        if purpose == "train":
            self._backward(build)
            regularize(build)
            if optimizer is not None:
                optimizer.emit(build)
        self.program: Program = build.finish()
        self.bytes = build.bytes
        self._losses = [self.losses, *build.extra_losses]

    # ---- compiling

    def _forward(
        self, build: Builder, graph: Graph, preprocessing: Preprocessing, loss: Any
    ) -> None:
        x = build.tensor(graph.input.shape)
        x.needs_gradient = False
        self.logits = self._drop_softmax(loss)
        self._steps["images"] = build.next_step
        channels, height, width = x.shape[1:4]
        images = np.zeros((1, height, width, channels), np.float32)
        scale, offset = (
            np.asarray(a, build.dtype) for a in (preprocessing.scale, preprocessing.offset)
        )
        build.step(
            "gather_images", images=images, order=self.order, scale=scale, offset=offset, x=x
        )
        tensors: dict[str, Tensor] = {graph.input.name: x}
        for stage in self.stages:
            stage.xs = [tensors[node.name] for node in stage.node.inputs]
            stage.layer.forward(build, stage)
            tensors[stage.last.name] = stage.y
        self.result = self.stages[-1].y if self.stages else x

    def _drop_softmax(self, loss: Any) -> bool:
        """Whether the loss takes the final softmax upon itself, and works on logits."""
        if self.purpose == "predict" or not loss.joins_softmax or len(self.stages) < 2:
            return False
        last = self.stages[-1]
        # Over images the softmax goes over the channels of a pixel, the loss over all features.
        flat = math.prod(last.node.shape[1:]) == 1
        if last.layer.registered_name != "softmax" or not flat:
            return False
        del self.stages[-1]
        return True

    def _read_out(self, build: Builder) -> None:
        features = int(np.prod(self.result.sample))
        self.outputs = build.array((self.batch, features), build.dtype, 0)
        build.step("scatter_rows", x=build.flat(self.result), out=self.outputs)

    def _add_loss(self, build: Builder, loss: Any) -> None:
        self._steps["targets"] = build.next_step
        if loss.targets == "labels":
            labels = np.zeros(1, np.int64)
            build.step("gather_labels", labels=labels, order=self.order, out=self.labels)
            targets: Any = self.labels
        else:
            size = int(np.prod(self.result.sample))
            targets = build.tensor((size,))
            images = np.zeros((1, 1, 1, size), np.float32)
            build.step("gather_images", images=images, order=self.order, x=targets)
        loss.emit(build, self.result, targets, self.losses, self.correct, self.logits)

    def _backward(self, build: Builder) -> None:
        for stage in reversed(self.stages):
            if stage.y.gradient is not None:
                stage.layer.backward(build, stage)

    # ---- running

    def bind(self, source: Source) -> None:
        """Take samples from this source from now on."""
        self.program.rebind(self._steps["images"], "images", source.images)
        self.samples = len(source)
        if "targets" in self._steps and source.targets is not None:
            targets = source.targets
            if targets.ndim == 1:
                self.program.rebind(self._steps["targets"], "labels", targets)
            else:
                wide = targets.reshape(len(targets), 1, 1, -1)
                self.program.rebind(self._steps["targets"], "images", wide)

    def run(self, order: np.ndarray, threads: int) -> int:
        """Run on the samples numbered by `order` (at most `batch` of them); returns how many."""
        count = len(order)
        if not 0 < count <= self.batch or order.min() < 0 or order.max() >= self.samples:
            raise ShapeError(
                f"a batch takes 1 to {self.batch} samples of {self.samples}, got {count} numbers"
            )
        flat = self.order.reshape(-1)
        flat[:count] = order
        flat[count:] = -1
        self._active = -(-count // self.lanes)
        self.program.run(self._active, threads)
        return count

    def sums(self) -> tuple[float, float]:
        """Loss and number of right answers, summed over the samples of the last run."""
        return self._sum(self._losses), self._sum([self.correct])

    def _sum(self, arrays: list[np.ndarray]) -> float:
        return sum(float(a[: self._active].sum(dtype=np.float64)) for a in arrays)


def choose_lanes(graph: Graph, batch: int) -> int:
    """Images side by side in a block: 16, or fewer for small batches.

    With fewer, vectors hold neighbouring pixels as well; layers that are slow then are `wide`.
    """
    wide = any(node.layer is not None and node.layer.wide for node in graph.nodes)
    if batch > 8 or wide:
        return 16
    return next(lanes for lanes in (1, 4, 8) if batch <= lanes)
