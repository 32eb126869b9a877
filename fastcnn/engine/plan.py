"""A model compiled for one batch size: a flat list of kernels with bound buffers."""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastcnn.engine.augmenter import Augment, Augmenter
from fastcnn.engine.builder import Builder
from fastcnn.engine.describe import describe
from fastcnn.engine.graph import Graph, Node
from fastcnn.engine.head import Head
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.preprocessing import AS_IT_COMES, Preprocessing
from fastcnn.engine.regularizer import regularize
from fastcnn.engine.stage import Stage, make_stages
from fastcnn.engine.tensor import Tensor
from fastcnn.errors import OptionError, ShapeError
from fastcnn.kernels import Program

# Multiply-adds of a prediction: with fewer, waking a second thread takes as long as it saves.
LEAST_SHARED_WORK = 500_000
WORK_OF_OUTPUT = 10  # what a number that a layer makes counts for beside its multiply-adds


@dataclass
class Source:
    """Where samples come from: for each input images (N, H, W, C), for each loss targets.

    weights: of samples, (N,) for each loss; or none at all.
    preprocessing: what the numbers of each input mean; by default uint8 is scaled to 0..1.

    Sequences are images of one row, vectors are images of one pixel.
    """

    images: Sequence[np.ndarray]
    targets: Sequence[np.ndarray] = ()
    weights: Sequence[np.ndarray] = ()
    preprocessing: Sequence[Preprocessing] = ()

    def __len__(self) -> int:
        return len(self.images[0])


class Plan:
    """`run(order)` gathers these samples of the bound source and runs every kernel once.

    purpose "train": forward, losses, backward, optimizer; "evaluate": forward, losses; "predict":
    forward, and `outputs` holds the results.
    heads: one for each output of the graph.
    augment: what is done to the images of the only input, in training.
    """

    def __init__(
        self,
        graph: Graph,
        store: ParameterStore,
        batch: int,
        purpose: str,
        *,
        heads: Sequence[Head] = (),
        augment: Augment | None = None,
        optimizer: Any = None,
        backend: str | None = None,
        fuse: bool = True,
        winograd: bool = True,
        precision: str = "float32",
    ) -> None:
        self.batch = batch
        self.purpose = purpose
        self.precision = precision
        self.lanes = choose_lanes(graph, batch, purpose == "train")
        self.heads = [replace(head, steps={}) for head in heads]  # each plan has its own figures
        training = purpose == "train"
        build = Builder(store, batch, self.lanes, training, backend, winograd, fuse, precision)
        build.with_loss = purpose != "predict"
        self.order, self.state = build.order, build.state
        self.epoch = 0  # for augmentations
        self.first = 0  # likewise: the number, in the epoch, of the source's first sample
        self.source: Source | None = None  # of its samples and targets
        self.augmenter: Augmenter | None = None
        self.outputs: list[np.ndarray] = []
        parts = (self.lanes, fuse, store.frozen, training, build.backend)
        self.stages = make_stages(graph, *parts)
        self._tensors: dict[Node, Tensor] = {}
        if training:
            store.claim()  # before any pointer is taken
        with store.working() if training else nullcontext():
            self._gather(build, graph, augment)
            self._append_kernels(build, graph, augment, optimizer)
            self.moves = store.moves
            self.program: Program = build.finish()
        self._preparation = build.preparation
        self._work = work_of(graph) if purpose == "predict" else math.inf  # of one sample
        self._following: tuple[int, int] | None = None  # first and count, if `order` counts up
        self._prepared = -1  # ParameterStore.changes when parameters were packed
        self.bytes, self.bytes_a_thread = build.bytes, build.bytes_a_thread
        self.runs = build.runs  # of steps that blocks are carried through
        self.owners = build.owners  # of each step of the program: whose layer it belongs to
        self._penalties = build.extra_losses

    # ---- compiling

    def _append_kernels(
        self, build: Builder, graph: Graph, augment: Augment | None, optimizer: Any
    ) -> None:
        """All that comes after the gathering of images."""
        if self.purpose == "predict":
            self._forward(build)
            self._read_out(build, graph)
            return
        self._join_softmaxes(graph)
        self._forward(build)
        for head in self.heads:
            mixing = self.augmenter if augment is not None and augment.mixes else None
            head.emit(build, self._tensors[head.node], mixing)
        if self.purpose == "train":
            self._backward(build)
            regularize(build)
            if optimizer is not None:
                optimizer.emit(build)

    def _gather(self, build: Builder, graph: Graph, augment: Augment | None) -> None:
        self._images: list[int] = []  # the steps that gather
        self._factors: list[tuple[np.ndarray, np.ndarray]] = []  # scale and offset of each input
        self._meaning: list[tuple[Any, Any]] = []  # what they were made of
        if augment is not None:
            self.augmenter = _augmenter(augment, graph, build)
        for node in graph.inputs:
            x = build.tensor(node.shape)
            x.needs_gradient = False
            channels, height, width = x.shape[1:4]
            images = np.zeros((1, height, width, channels), np.float32)
            scale, offset = (build.array((channels,), build.dtype, fill) for fill in (1, 0))
            self._factors.append((scale, offset))
            self._meaning.append((None, None))
            self._images.append(build.next_step)
            arrays: dict[str, Any] = {"images": images, "scale": scale, "offset": offset}
            if augment is None or self.augmenter is None:
                build.step("gather_images", order=self.order, x=x, **arrays)
            else:
                params = {"fill": augment.fill, "fill_value": augment.fill_value}
                arrays |= self.augmenter.arrays
                build.step("augment_images", params, order=self.order, x=x, **arrays)
            self._tensors[node] = x

    def _forward(self, build: Builder) -> None:
        for stage in self.stages:
            build.node = stage.node
            stage.xs = [self._tensors[node] for node in stage.sources]
            stage.layer.forward(build, stage)
            self._tensors[stage.last] = stage.y
        build.node = None

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

    def _backward(self, build: Builder) -> None:
        for stage in reversed(self.stages):
            build.node = stage.node
            build.settle_gradient(stage.y)
            if stage.y.gradient is not None:
                stage.layer.backward(build, stage)
                build.add_up_gradients()
        build.node = None

    # ---- running

    def bind(self, source: Source) -> None:
        """Take samples from this source from now on."""
        if source is self.source:
            return
        self.bind_images(source.images, source.preprocessing)
        self.source, self.first = source, 0
        for k, (head, targets) in enumerate(zip(self.heads, source.targets, strict=False)):
            head.bind(self.program, targets, source.weights[k] if source.weights else None)

    def bind_images(
        self, images: Sequence[np.ndarray], preprocessing: Sequence[Preprocessing] = ()
    ) -> None:
        """Take images from these arrays, one for each input; enough for a prediction."""
        self.source = None
        for k, array in enumerate(images):
            self.program.rebind(self._images[k], "images", array)
            one, kind = preprocessing[k] if preprocessing else AS_IT_COMES, array.dtype.kind
            if self._meaning[k] != (one, kind):
                self._meaning[k] = (one, kind)
                for kept, factor in zip(self._factors[k], one.factors(array.dtype), strict=True):
                    kept[...] = factor
        self.samples = len(images[0])
        if self.augmenter is not None:
            first = preprocessing[0] if preprocessing else AS_IT_COMES
            self._white = first.white(images[0].dtype)

    def show(self, view: Augment | None) -> None:
        """Take another augmentation of the layout that it was compiled for."""
        if self.augmenter is not None and view is not None:
            self.augmenter.augment = view

    def run(self, order: np.ndarray, threads: int) -> int:
        """Run on the samples numbered by `order` (at most `batch` of them); returns how many."""
        count = len(order)
        if not 0 < count <= self.batch or order.min() < 0 or order.max() >= self.samples:
            raise ShapeError(
                f"a batch takes 1 to {self.batch} samples of {self.samples}, got {count} numbers"
            )
        self._fill(order)
        self._run(threads)
        return count

    def run_from(self, start: int, threads: int) -> int:
        """Run on the next `batch` samples from number `start` on; returns how many there were."""
        count = min(self.batch, self.samples - start)
        if self._following != (start, count):
            self._fill(np.arange(start, start + count))
            self._following = start, count
        self._run(threads)
        return count

    def _fill(self, order: np.ndarray) -> None:
        self._following = None
        count, flat = len(order), self.order.reshape(-1)
        flat[:count] = order
        flat[count:] = -1
        self._active = -(-count // self.lanes)
        self._is_small = self._work * count < LEAST_SHARED_WORK

    def _run(self, threads: int) -> None:
        """Parameters are packed again only if some may have changed since the last run."""
        if self.augmenter is not None:
            order = np.where(self.order < 0, -1, self.order + self.first)
            self.augmenter.fill(order, self.state, self.epoch, self._white)
        now, training = ParameterStore.changes, self.purpose == "train"
        prepare = training or self._prepared != now
        if prepare:
            self._prepared = -1  # until all is done: another thread may fork meanwhile
            self._preparation.run(threads=threads)
        try:
            self.program.run(self._active, 1 if self._is_small else threads, prepare)
            self._prepared = now
        finally:
            if training:
                ParameterStore.changed()

    def sums(self) -> dict[str, float]:
        """Loss, number of right answers, ... summed over the samples of the last run.

        With several outputs also of each of them, e.g. "digit_loss" and "digit_accuracy".
        """
        total, sums = 0.0, {}
        for head in self.heads:
            prefix = f"{head.name}_" if len(self.heads) > 1 else ""
            loss = self._sum(head.losses)
            total += head.weight * loss
            if prefix:
                sums[f"{prefix}loss"] = loss
            if head.loss.classifies:
                sums[f"{prefix}accuracy"] = self._sum(head.correct)
        total += sum(map(self._sum, self._penalties))
        return {"loss": total, **sums}

    def rows(self, count: int) -> dict[str, np.ndarray]:
        """Outputs (count, K) of the last run, of those that have metrics."""
        return {h.name: h.outputs[:count].copy() for h in self.heads if h.outputs is not None}

    def describe(self) -> str:
        """A table of the steps: kernel, layer, memory read and written, nominal operations."""
        return describe(self)

    def _sum(self, figures: np.ndarray | None) -> float:
        assert figures is not None
        return float(figures[: self._active].sum(dtype=np.float64))


def _augmenter(augment: Augment, graph: Graph, build: Builder) -> Augmenter:
    shapes = [node.shape for node in graph.inputs]
    if len(shapes) != 1 or len(shapes[0]) != 3:
        raise OptionError(f"augmentations take one input of images, the model has {shapes}")
    channels, height, width = shapes[0]
    return Augmenter(augment, (channels, height, width), build.order.shape, build.store.dtype)


def _is_flat_softmax(stage: Stage) -> bool:
    """Whether it is a softmax over everything a loss sees.

    Over images the softmax goes over the channels of a pixel, the loss over all features.
    """
    node = stage.node
    flat = math.prod(node.shape[1:]) == 1 and node.inputs[0].layer is not None
    return stage.layer.registered_name == "softmax" and flat


def work_of(graph: Graph) -> int:
    """Of one sample's forward pass, roughly, in multiply-adds."""
    return sum(
        node.layer.multiply_adds(*node.input_shapes) + WORK_OF_OUTPUT * math.prod(node.shape)
        for node in graph.nodes
        if node.layer is not None
    )


def choose_lanes(graph: Graph, batch: int, training: bool) -> int:
    """Images side by side in a block: 16, or fewer for small batches.

    With fewer, vectors hold neighbouring pixels as well; layers that are slow then are `wide`.
    Convolutions of images that lie alone, without training, have vectors of output channels.
    """
    wide = any(node.layer is not None and node.layer.wide for node in graph.nodes)
    if batch > 8 or wide:
        return 16
    if not training:
        return 1
    return next(lanes for lanes in (1, 4, 8) if batch <= lanes)
