"""A model compiled for one batch size: a flat list of kernels with bound buffers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastcnn.engine.builder import Builder
from fastcnn.engine.graph import Graph, Node
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.regularizer import regularize
from fastcnn.engine.stage import Stage, make_stages
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
    """Where samples come from: for each input images (N, H, W, C), for each loss targets.

    Sequences are images of one row, vectors are images of one pixel.
    """

    images: Sequence[np.ndarray]
    targets: Sequence[np.ndarray] = ()

    def __len__(self) -> int:
        return len(self.images[0])


@dataclass
class Head:
    """An output with its loss, and the figures of the last batch, one for each image.

    loss: None if the output is only read. logits: whether the loss takes the final softmax upon
    itself.
    """

    name: str
    node: Node
    loss: Any = None
    weight: float = 1.0
    logits: bool = False
    losses: np.ndarray | None = None
    correct: np.ndarray | None = None
    step: int = -1  # the kernel that gathers targets


class Plan:
    """`run(order)` gathers these samples of the bound source and runs every kernel once.

    purpose "train": forward, losses, backward, optimizer; "evaluate": forward, losses; "predict":
    forward, and `outputs` holds the results.
    heads: one for each output of the graph; preprocessing: one for each input.
    """

    def __init__(
        self,
        graph: Graph,
        store: ParameterStore,
        preprocessing: Sequence[Preprocessing],
        batch: int,
        purpose: str,
        *,
        heads: Sequence[Head] = (),
        optimizer: Any = None,
        backend: str = "native",
        fuse: bool = True,
    ) -> None:
        self.batch = batch
        self.purpose = purpose
        self.lanes = choose_lanes(graph, batch)
        self.heads = [replace(head) for head in heads]  # each plan has its own figures
        if purpose == "train":
            store.claim()  # before any pointer is taken
        build = Builder(store, batch, self.lanes, purpose == "train", backend)
        build.with_loss = purpose != "predict"
        self.order, self.state = build.order, build.state
        self.outputs: list[np.ndarray] = []
        self.stages = make_stages(graph, self.lanes, fuse)
        self._tensors: dict[Node, Tensor] = {}
        self._gather(build, graph, preprocessing)
        if purpose == "predict":
            self._forward(build)
            self._read_out(build, graph)
        else:
            self._join_softmaxes(graph)
            self._forward(build)
            for head in self.heads:
                self._add_loss(build, head)
        if purpose == "train":
            self._backward(build)
            regularize(build)
            if optimizer is not None:
                optimizer.emit(build)
        self.moves = store.moves
        self.program: Program = build.finish()
        self.bytes = build.bytes
        self._extra_losses = build.extra_losses

    # ---- compiling

    def _gather(self, build: Builder, graph: Graph, preprocessing: Sequence[Preprocessing]) -> None:
        self._images: list[int] = []  # the steps that gather
        for node, pixels in zip(graph.inputs, preprocessing, strict=True):
            x = build.tensor(node.shape)
            x.needs_gradient = False
            channels, height, width = x.shape[1:4]
            images = np.zeros((1, height, width, channels), np.float32)
            scale, offset = (np.asarray(a, build.dtype) for a in (pixels.scale, pixels.offset))
            self._images.append(build.next_step)
            arrays: dict[str, Any] = {"images": images, "scale": scale, "offset": offset}
            build.step("gather_images", order=self.order, x=x, **arrays)
            self._tensors[node] = x

    def _forward(self, build: Builder) -> None:
        for stage in self.stages:
            stage.xs = [self._tensors[node] for node in stage.node.inputs]
            stage.layer.forward(build, stage)
            self._tensors[stage.last] = stage.y

    def _join_softmaxes(self, graph: Graph) -> None:
        """Let losses that can do so take the final softmax upon themselves, and read logits."""
        readers = graph.consumers()
        by_output = {stage.last: stage for stage in self.stages}
        wanted = [head.node for head in self.heads]
        for head in self.heads:
            stage = by_output.get(head.node)
            if stage is None or not (head.loss.joins_softmax and _is_flat_softmax(stage)):
                continue
            head.logits, head.node = True, stage.node.inputs[0]
            if not readers[stage.last] and wanted.count(stage.last) == 1:
                self.stages.remove(stage)

    def _read_out(self, build: Builder, graph: Graph) -> None:
        for node in graph.outputs:
            rows = build.array((self.batch, math.prod(node.shape)), build.dtype, 0)
            build.step("scatter_rows", x=build.flat(self._tensors[node]), out=rows)
            self.outputs.append(rows)

    def _add_loss(self, build: Builder, head: Head) -> None:
        """Losses of one output; its gradient goes to a stand-in, since it may have others too."""
        y = self._tensors[head.node]
        head.losses = build.array(self.order.shape, build.dtype, 0)
        head.correct = build.array(self.order.shape, build.dtype, 0)
        head.step = build.next_step
        if head.loss.targets == "labels":
            targets: Any = build.array(self.order.shape, "int64", -1)
            labels = np.zeros(1, np.int64)
            build.step("gather_labels", labels=labels, order=self.order, out=targets)
        else:
            size = math.prod(y.sample)
            targets = build.tensor((size,))
            images = np.zeros((1, 1, 1, size), np.float32)
            build.step("gather_images", images=images, order=self.order, x=targets)
        stand_in = build.alias(y, y.sample)
        head.loss.emit(build, stand_in, targets, head.losses, head.correct, head.logits)
        if stand_in.gradient is not None:
            build.accept_gradient(y, build.scaled(stand_in.gradient, head.weight))

    def _backward(self, build: Builder) -> None:
        for stage in reversed(self.stages):
            if stage.y.gradient is not None:
                stage.layer.backward(build, stage)
                build.add_up_gradients()

    # ---- running

    def bind(self, source: Source) -> None:
        """Take samples from this source from now on."""
        for step, images in zip(self._images, source.images, strict=True):
            self.program.rebind(step, "images", images)
        self.samples = len(source)
        for head, targets in zip(self.heads, source.targets, strict=False):
            if targets.ndim == 1:
                self.program.rebind(head.step, "labels", targets)
            else:
                wide = targets.reshape(len(targets), 1, 1, -1)
                self.program.rebind(head.step, "images", wide)

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

    def sums(self) -> dict[str, float]:
        """Loss, number of right answers, ... summed over the samples of the last run.

        With several outputs also of each of them, e.g. "digit_loss" and "digit_accuracy".
        """
        total, sums = sum(map(self._sum, self._extra_losses)), {}
        for head in self.heads:
            prefix = f"{head.name}_" if len(self.heads) > 1 else ""
            loss = self._sum(head.losses)
            total += head.weight * loss
            if prefix:
                sums[f"{prefix}loss"] = loss
            if head.loss.classifies:
                sums[f"{prefix}accuracy"] = self._sum(head.correct)
        return {"loss": total, **sums}

    def _sum(self, figures: np.ndarray | None) -> float:
        assert figures is not None
        return float(figures[: self._active].sum(dtype=np.float64))


def _is_flat_softmax(stage: Stage) -> bool:
    """Whether it is a softmax over everything a loss sees.

    Over images the softmax goes over the channels of a pixel, the loss over all features.
    """
    node = stage.node
    flat = math.prod(node.shape[1:]) == 1 and node.inputs[0].layer is not None
    return stage.layer.registered_name == "softmax" and flat


def choose_lanes(graph: Graph, batch: int) -> int:
    """Images side by side in a block: 16, or fewer for small batches.

    With fewer, vectors hold neighbouring pixels as well; layers that are slow then are `wide`.
    """
    wide = any(node.layer is not None and node.layer.wide for node in graph.nodes)
    if batch > 8 or wide:
        return 16
    return next(lanes for lanes in (1, 4, 8) if batch <= lanes)
