"""Layers and losses by themselves: values and all gradients for given inputs, by any backend.

Arrays are (N, *sample), samples (channels, height, width), (channels, length) or (features,).
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from fastcnn.engine.builder import Builder
from fastcnn.engine.graph import Graph
from fastcnn.engine.head import Head
from fastcnn.engine.parameters import ParameterStore
from fastcnn.engine.plan import choose_lanes
from fastcnn.engine.stage import make_stages

DTYPES = {"reference": "float64", "native": "float32", "numba": "float32"}


@dataclass
class Result:
    """dxs and gradients are those of sum(y dy); parameters (moving averages!) as the run left them,
    by the last part of their names."""

    y: np.ndarray
    dxs: list
    gradients: dict
    parameters: dict


def run_layers(stack, xs, dy=None, parameters=None, backend="reference"):
    """The layers, one after the other, as a plan runs them; the first one reads all of xs.

    dy: the gradient of y, to train; None: predict.
    """
    graph = Graph(*[x.shape[1:] for x in xs])
    node = graph.apply(stack[0], *graph.inputs)
    for layer in stack[1:]:
        node = graph.apply(layer, node)
    build = _builder(graph, len(xs[0]), dy is not None, backend)
    for key in build.store.specs:
        if _short(key) in (parameters or {}):
            build.store.value(key)[...] = parameters[_short(key)]
    tensors = {n: _gather(build, x) for n, x in zip(graph.inputs, xs, strict=True)}
    dx_rows = []
    stages = make_stages(graph, build.lanes, training=dy is not None)
    for stage in stages:
        stage.xs = [tensors[n] for n in stage.node.inputs]
        stage.layer.forward(build, stage)
        tensors[stage.last] = stage.y
    y = tensors[graph.output]
    y_rows = _scatter(build, y)
    if dy is not None:
        y.gradient = _gather(build, dy)
        build.slope_of_output(y)
        for stage in reversed(stages):
            stage.layer.backward(build, stage)
        dx_rows = [_scatter(build, tensors[n].gradient) for n in graph.inputs]
    _run(build, len(xs[0]))
    store = build.store
    return Result(
        y_rows[: len(xs[0])].reshape(-1, *graph.output.shape),
        [rows[: len(x)].reshape(x.shape) for rows, x in zip(dx_rows, xs, strict=False)],
        {_short(key): store.gradient(key) for key in store.trainable},
        {_short(key): value for key, value in store.items()},
    )


def run_loss(loss, y, targets, weights=None, backend="reference"):
    """(losses of the samples, gradient of their mean) for outputs y (N, K)."""
    graph = Graph(y.shape[1:])
    build = _builder(graph, len(y), True, backend)
    tensor = _gather(build, y)
    head = Head("loss", graph.input, loss, weighted=weights is not None)
    head.emit(build, tensor)
    rows = _scatter(build, tensor.gradient)
    dtype = targets.dtype if targets.dtype.kind == "i" else build.dtype
    weights = None if weights is None else weights.astype(build.dtype)
    _run(build, len(y), lambda program: head.bind(program, targets.astype(dtype), weights))
    return head.losses.reshape(-1)[: len(y)], rows[: len(y)].reshape(y.shape)


def _builder(graph, batch, training, backend):
    store = ParameterStore(graph, 0, DTYPES[backend])
    return Builder(store, batch, choose_lanes(graph, batch, training), training, backend)


def _run(build, count, bind=lambda program: None):
    build.order.reshape(-1)[:count] = np.arange(count)
    program = build.finish()
    bind(program)
    build.preparation.run()
    program.run(build.blocks, 2)


def _gather(build, samples):
    """A tensor that holds these samples."""
    count, channels, *pixels = samples.shape
    height, width = (1, 1, *pixels)[-2:]
    images = samples.reshape(count, channels, height, width).transpose(0, 2, 3, 1)
    tensor = build.tensor(samples.shape[1:])
    images = np.ascontiguousarray(images, build.dtype)
    build.step("gather_images", images=images, order=build.order, x=tensor)
    return tensor


def _scatter(build, tensor):
    """Rows of numbers that will be those of the tensor, some more than samples."""
    rows = build.array((build.blocks * build.lanes, prod(tensor.sample)), build.dtype, 0)
    build.step("scatter_rows", x=build.flat(tensor), out=rows)
    return rows


def _short(key):
    return key.rpartition("/")[2]
