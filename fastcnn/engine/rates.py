"""Which kernels compute a layer in each direction, and how fast (`fastcnn summary --kernels`)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastcnn.engine.describe import MULTIPLY, title
from fastcnn.engine.graph import Graph, Node
from fastcnn.engine.head import Head
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.plan import Plan, Source
from fastcnn.plugins.registry import losses, make

DIRECTIONS = {"gradient": "weight", "weight": "weight", "input": "input"}  # last words of kernels
REPEATS = 5


@dataclass
class Rate:
    """The kernels of one layer in one direction. flops: nominal ones of direct convolution."""

    layer: str
    direction: str
    kernels: list[str]
    seconds: float
    flops: int


def training_plan(graph: Graph, store: ParameterStore, batch: int, **options: Any) -> Plan:
    """A training step without an update, on random images. options: of Plan."""
    rng = np.random.default_rng(0)
    images = [rng.random((batch, *_image(node)), dtype=np.float32) for node in graph.inputs]
    targets = [np.zeros((batch, int(np.prod(n.shape))), np.float32) for n in graph.outputs]
    heads = [Head(n.name, n, make(losses, "mean_squared_error")) for n in graph.outputs]
    plan = Plan(graph, store, batch, "train", heads=heads, **options)
    plan.bind(Source(images, targets))
    return plan


def prediction_plan(graph: Graph, store: ParameterStore, batch: int, **options: Any) -> Plan:
    """A plan that predicts, with no images bound. options: of Plan."""
    return Plan(graph, store, batch, "predict", **options)


def kernel_rates(plan: Plan, threads: int) -> list[Rate]:
    """Of the layers that multiply, in whole batches; the best of some runs."""
    plan.run(np.arange(plan.batch), threads)
    blocks = -(-plan.batch // plan.lanes)
    runs = [plan.program.step_seconds(blocks, threads) for _ in range(REPEATS)]
    best = np.min([[seconds for _, seconds in run] for run in runs], axis=0)
    names = [title(*bound) for bound in plan.program.bound]
    return _joined(zip(plan.owners, names, best, strict=True), plan.batch)


def _image(node: Node) -> tuple[int, int, int]:
    channels, *pixels = node.shape
    height, width = (1, 1, *pixels)[-2:]
    return height, width, channels


def _joined(steps: Iterable[tuple[Node | None, str, float]], batch: int) -> list[Rate]:
    """One rate for each layer and direction, of all kernels that belong to it."""
    rates: dict[tuple[str, str], Rate] = {}
    for node, kernel, seconds in steps:
        if node is None or node.layer is None or not kernel.startswith(MULTIPLY):
            continue
        direction = DIRECTIONS.get(kernel.partition(" ")[0].rpartition("_")[2], "forward")
        flops = 2 * batch * node.layer.multiply_adds(*node.input_shapes)
        key = (node.name, direction)
        rate = rates.setdefault(key, Rate(*key, [], 0.0, flops))
        rate.kernels.append(kernel)
        rate.seconds += float(seconds)
    return list(rates.values())
