"""Layers between probes and losses: whole plans whose every gradient can be measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fastcnn.engine.builder import Builder
from fastcnn.engine.graph import Graph, Node
from fastcnn.engine.head import Head
from fastcnn.engine.layer import Layer, Parameter, Shape
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.plan import Plan, Source
from fastcnn.engine.stage import Stage
from fastcnn.kernels import call
from fastcnn.kernels.backends import available_backends, resolve_backend
from fastcnn.plugins.registry import losses, make
from fastcnn.testing.differences import check_gradient
from fastcnn.testing.registered import case

BATCHES = {16: 17, 8: 5, 4: 3, 1: 1}  # lanes: images; all but the last leave lanes empty
FLOAT32_TOLERANCE = 3e-4  # of the largest gradient: Winograd's rounding through several layers


class Probe(Layer):
    """Gives what its parameter holds, whatever comes in: the numbers of all images of a batch.

    So the gradient of a layer's input is that of a parameter.
    """

    registered_name = "probe"

    def __init__(self, blocks: int, lanes: int) -> None:
        self.blocks, self.lanes = blocks, lanes
        self.wide = lanes == 16

    def output_shape(self, *shapes: Shape) -> Shape:
        return shapes[0]

    def parameters(self, *shapes: Shape) -> dict[str, Parameter]:
        channels, *pixels = shapes[0]
        height, width = (1, 1, *pixels)[-2:]
        shape = (self.blocks, channels, height, width, self.lanes)
        return {"x": Parameter(shape, {"name": "normal", "stddev": 1.0})}

    def forward(self, build: Builder, stage: Stage) -> None:
        build.step("copy", x=build.parameter(stage, "x"), y=build.output(stage))

    def backward(self, build: Builder, stage: Stage) -> None:
        build.step("copy", x=stage.dy, y=build.parameter_gradient(stage, "x"))


# (graph, one node for each input) -> outputs with their losses
Net = Callable[[Graph, list[Node]], list[tuple[Node, Any]]]


@dataclass(frozen=True)
class Setup:
    """A net on inputs of these shapes (channels, height, width), for one number of lanes."""

    net: Net
    shapes: Sequence[Shape]
    lanes: int = 16

    @property
    def batch(self) -> int:
        return BATCHES[self.lanes]

    def graph(self) -> tuple[Graph, list[tuple[Node, Any]]]:
        """A new graph; its first nodes are inputs and their probes."""
        graph = Graph(*self.shapes)
        blocks = -(-self.batch // self.lanes)
        probes = [graph.apply(Probe(blocks, self.lanes), node) for node in graph.inputs]
        outputs = self.net(graph, probes)
        graph.outputs = [node for node, _ in outputs]
        return graph, outputs

    @cached_property
    def values(self) -> dict[str, np.ndarray]:
        """Random parameters that float32 can hold; biases too: at zero they hide mistakes."""
        graph, _ = self.graph()
        store = ParameterStore(graph, 5, "float64")
        rng = np.random.default_rng(2)
        values = {}
        for key, value in store.items():
            learned = store.specs[key].trainable and not key.startswith("probe")
            noise = 0.3 * learned * rng.normal(size=value.shape)
            values[key] = (value + noise).astype(np.float32).astype(np.float64)
            if key.startswith("probe"):
                values[key] *= self.occupied(value)
        return values

    def occupied(self, probe: np.ndarray) -> np.ndarray:
        """Which numbers of a probe belong to images, and not to empty lanes."""
        blocks, lanes = probe.shape[0], probe.shape[-1]
        there = np.arange(blocks * lanes).reshape(blocks, 1, 1, 1, lanes) < self.batch
        return np.broadcast_to(there, probe.shape)


class Bench:
    """A setup compiled for training by one maker; `run` gives the loss, then `gradients`."""

    def __init__(
        self,
        setup: Setup,
        backend: str,
        dtype: str = "float32",
        *,
        fuse: bool = True,
        weights: bool = False,
    ) -> None:
        self.setup = setup
        graph, outputs = setup.graph()
        self.start = {key: value.astype(dtype) for key, value in setup.values.items()}
        self.store = ParameterStore(graph, 5, dtype, self.start)
        heads = [
            Head(f"y{k}", node, make(losses, loss), weighted=weights)
            for k, (node, loss) in enumerate(outputs)
        ]
        options: dict[str, Any] = {"heads": heads, "backend": backend, "fuse": fuse}
        self.plan = Plan(graph, self.store, setup.batch, "train", **options)
        assert self.plan.lanes == setup.lanes
        self.plan.state[:] = 1, 2
        self.plan.bind(self._source(heads, weights))

    def _source(self, heads: list[Head], weights: bool) -> Source:
        batch, rng = self.setup.batch, np.random.default_rng(3)
        images = [np.zeros((batch, *_pixels(s)), np.float32) for s in self.setup.shapes]
        targets = [_targets(head, batch, rng).astype(self._kind(head)) for head in heads]
        factors = [rng.uniform(0.5, 2, batch).astype(np.float32) for _ in heads]
        self.weights = factors if weights else []
        return Source(images, targets, self.weights)

    def _kind(self, head: Head) -> Any:
        return np.int64 if head.loss.targets == "labels" else self.store.dtype

    def run(self, threads: int = 1) -> float:
        """The mean loss. What layers keep from step to step is put back before."""
        for key, value in self.start.items():
            if not self.store.learns(key):
                self.store.value(key)[...] = value
        self.plan.run(np.arange(self.setup.batch), threads)
        return self.plan.sums()["loss"] / self.setup.batch

    def gradients(self) -> dict[str, np.ndarray]:
        return {key: self.store.gradient(key).copy() for key in self.store.trainable}

    def dirty(self) -> None:
        """Fill the outputs of all layers with NaN: whatever is not written anew comes out."""
        for stage in self.plan.stages:
            for tensor in (*stage.ys, stage.y.gradient):
                owner = getattr(tensor, "base", None) or tensor
                if owner is not None and owner.array is not None and not owner.framed:
                    owner.resolve()[...] = np.nan


def _pixels(shape: Shape) -> tuple[int, ...]:
    """(height, width, channels) in which a sample is stored."""
    return (*(1, 1, *shape[1:])[-2:], shape[0])


def _targets(head: Head, batch: int, rng: np.random.Generator) -> np.ndarray:
    size = int(np.prod(head.node.shape))
    if head.loss.targets == "labels":
        return rng.integers(0, size, batch)
    return rng.dirichlet(np.ones(size), batch).astype(np.float32)


def check_gradients(setup: Setup, **options: Any) -> None:
    """Of inputs and every parameter, in float64 by the reference, against central differences."""
    bench = Bench(setup, "reference", "float64", **options)
    loss = bench.run()
    bench.dirty()
    again = bench.run()
    assert again == loss, (
        f"the loss is {loss:.9g}, and {again:.9g} where memory held NaN before: the output is not "
        "written in full, or depends on something that is hidden"
    )
    for key, gradient in bench.gradients().items():
        at = bench.store.value(key)
        name, mask = repr(key), None
        if key.startswith("probe"):
            name, mask = "the input", setup.occupied(at)
            assert not gradient[~mask].any(), "a lane without an image has a gradient at the input"
        check_gradient(name, bench.run, at, gradient, mask)


def check_makers(setup: Setup, **options: Any) -> None:
    """All backends agree with the float64 reference; 1, 2 and 3 threads give the same bits, and
    nothing is left over from the run before."""
    wanted = Bench(setup, "reference", "float64", **options)
    loss = wanted.run()
    for backend in available_backends():
        with case(f"{setup.batch} images on {backend}"):
            bench = Bench(setup, backend, **options)
            found = bench.run()
            gradients = bench.gradients()
            tolerance = FLOAT32_TOLERANCE * max(1, abs(loss))
            assert abs(found - loss) <= tolerance, f"the loss is {found}, by the reference {loss}"
            for key, expected in wanted.gradients().items():
                _close(key, gradients[key], expected)
            for threads in (2, 3, 1):
                bench.dirty()
                with case(f"{threads} threads" if threads > 1 else "run again"):
                    _same(bench.run(threads), found, bench.gradients(), gradients)


def _close(key: str, found: np.ndarray, expected: np.ndarray) -> None:
    name = "the input" if key.startswith("probe") else repr(key)
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    error = np.abs(found - expected)
    assert np.isfinite(found).all(), f"the gradient of {name} is not finite"
    assert (error <= FLOAT32_TOLERANCE * scale).all(), (
        f"the gradient of {name} differs by {error.max():.3g} from the reference in float64"
    )


def _same(
    loss: float, wanted_loss: float, found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]
) -> None:
    assert loss == wanted_loss, f"the loss is {loss!r}, before it was {wanted_loss!r}"
    for key, gradient in wanted.items():
        assert np.array_equal(found[key], gradient), (
            f"the gradient of {key!r} has other bits: it depends on threads or on the run before"
        )


def check_kernels_keep_inputs(setup: Setup) -> None:
    """No kernel of the plan writes to what its row in the table does not mark as written."""
    bench = Bench(setup, resolve_backend())
    bench.run()
    for op, arrays, params in bench.plan.program.bound:
        outputs = [a for name, a in arrays.items() if a is not None and op.is_output(name)]
        inputs = {
            name: (array, array.copy())
            for name, array in arrays.items()
            if array is not None and not any(np.may_share_memory(array, a) for a in outputs)
        }
        call(op.name, arrays, bench.plan.program.backend, **params)
        for name, (array, before) in inputs.items():
            same = np.array_equal(array, before, equal_nan=array.dtype.kind == "f")
            assert same, f"the kernel {op.name!r} changes its input {name!r}"
