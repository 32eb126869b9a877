"""The check for layers."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from fastcnn.engine.adapting_layer import AdaptingLayer
from fastcnn.engine.expected import Values
from fastcnn.engine.graph import Graph, Node
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.symbolic import Input, SymbolicTensor, to_channels_first
from fastcnn.errors import OptionError, ShapeError
from fastcnn.model import Model
from fastcnn.plugins.registry import layers
from fastcnn.testing.bench import (
    BATCHES,
    Net,
    Setup,
    check_gradients,
    check_kernels_keep_inputs,
    check_makers,
)
from fastcnn.testing.registered import case, checking
from fastcnn.testing.training import check_predictions, check_training

TYPICAL = ((7, 5, 3), (9, 3), (11,))  # images, sequences, vectors; as Sequential takes them
LOSS = "mean_squared_error"


def check_layer(layer: Any, *, input_shapes: Sequence[Any] | None = None) -> None:
    """Raise an AssertionError that says what is wrong with a layer.

    layer: a name, {"name": ..., option: ...} or an object.
    input_shapes: of samples, channels last as for Sequential; for a layer that merges, a list of
        shapes as well. Default: small images, sequences and vectors, as far as the layer takes
        them; it must take one of them.

    For each of them:

    - `output_shape` gives positive integers, and forward fills an output of that shape
    - gradients of the input and of every parameter against central differences, in float64 on the
      reference backend; alone, and between convolutions, where its tensors have borders and
      several readers and its input ends with an activation
    - native, Numba and reference kernels agree; 1, 2 and 3 threads give the same bits; nothing is
      left over from the run before
    - kernels change nothing but what they say they write; gradients stay 0 in empty lanes

    For the first of them also:

    - the same with 1, 3, 5 and 17 images (1, 4, 8 and 16 lanes)
    - predictions are float32; strided and read-only input is taken and not changed; a file gives
      bitwise the same predictions
    - numbers lie where it says (`keeps_values`, `output_values`)
    - training has the same bits on 1, 2 and 3 threads, and if saved and resumed after 25 steps
    """
    with checking(layers, layer) as made:
        cases = _shapes(made, input_shapes)
        for shapes in cases:
            with case(f"on {', '.join(map(str, shapes))}"):
                _check(_prepared(made, shapes), shapes, first=shapes is cases[0])


def _check(layer: Layer, shapes: list[Shape], first: bool) -> None:
    """shapes: channels first."""
    _check_output_shape(layer, shapes)
    widths = tuple(BATCHES) if first and not layer.wide else (16,)
    for place, surround in (("", _alone), ("between convolutions, ", _between)):
        net = surround(layer)
        with case(f"{place}kernels"):
            check_kernels_keep_inputs(Setup(net, shapes))
        with case(f"{place}gradients"):
            check_gradients(Setup(net, shapes))
        with case(f"{place}kernels"):
            for lanes in widths if surround is _alone else (16,):
                check_makers(Setup(net, shapes, lanes))
    if first:
        with case("numbers of its output"):
            _check_values(layer, shapes)
        check_predictions(lambda **options: _model(layer, shapes, **options))
        check_training(lambda **options: _model(layer, shapes, **options))


def _check_output_shape(layer: Layer, shapes: list[Shape]) -> None:
    shape = layer.output_shape(*shapes)
    sizes = isinstance(shape, tuple) and all(isinstance(n, int) and n > 0 for n in shape)
    assert sizes and 1 <= len(shape) <= 3, (
        f"output_shape must give a tuple of 1 to 3 positive integers, not {shape!r}"
    )


def _check_values(layer: Layer, shapes: list[Shape]) -> None:
    """A prediction of the layer alone, without what follows it by its options."""
    inputs = [Input(shape, data_format="channels_first") for shape in shapes]
    own = deepcopy(layer)
    own.activation = None
    model = Model(inputs, own(inputs if layer.merges else inputs[0]), seed=1)
    x = [np.random.default_rng(0).normal(1, 3, (20, *s)).astype(np.float32) for s in shapes]
    y = model.predict(x if len(x) > 1 else x[0])
    low, high = (layer.output_values or Values()).bounds
    if layer.keeps_values:
        assert not layer.merges, "of keeps_values: it has several inputs"
        low, high = float(x[0].min()), float(x[0].max())
    slack = 1e-5 * float(abs(y).max())
    assert low - slack <= y.min() and y.max() <= high + slack, (
        f"it gives {y.min():.4g} to {y.max():.4g}, not {low:.4g} to {high:.4g}"
    )


# ---- inputs that it takes


def _shapes(layer: Layer, given: Sequence[Any] | None) -> list[list[Shape]]:
    """Shapes of all inputs, channels first, for each case."""
    if given is not None:
        return [_first(shape) for shape in _repeated(layer, given)]
    refusals, taken = [], []
    for shapes in map(_first, _repeated(layer, TYPICAL)):
        try:
            _prepared(layer, shapes).output_shape(*shapes)
            taken.append(shapes)
        except (ShapeError, OptionError) as error:
            refusals.append(str(error))
    assert taken, f"give input_shapes: it refuses all of {TYPICAL}: {'; '.join(refusals)}"
    return taken


def _repeated(layer: Layer, given: Sequence[Any]) -> list[list[Shape]]:
    """A layer that merges gets two inputs of a shape, and then three."""
    cases = []
    for shape in given:
        if isinstance(shape[0], tuple | list):
            cases.append([tuple(one) for one in shape])
        else:
            cases += [[shape] * n for n in ((2, 3) if layer.merges else (1,))]
    return cases


def _first(shapes: list[Shape]) -> list[Shape]:
    return [to_channels_first(tuple(shape), "channels_last") for shape in shapes]


def _prepared(layer: Layer, shapes: list[Shape]) -> Layer:
    """A layer of its own, adapted to some data if it needs that."""
    layer = deepcopy(layer)
    if isinstance(layer, AdaptingLayer) and layer.statistics is None:
        layer.take(np.random.default_rng(0).normal(1, 2, (40, *shapes[0])))
    return layer


# ---- what it stands between


def _alone(layer: Layer) -> Net:
    def net(graph: Graph, inputs: list[Node]) -> list[tuple[Node, Any]]:
        return [(graph.apply(deepcopy(layer), *inputs), LOSS)]

    return net


def _between(layer: Layer) -> Net:
    """Convolutions before it, after it, and beside it: a second reader of its input."""

    def net(graph: Graph, inputs: list[Node]) -> list[tuple[Node, Any]]:
        before = [graph.apply(_neighbour(x.shape, 1, "tanh"), x) for x in inputs]
        y = graph.apply(deepcopy(layer), *before)
        readers = [graph.apply(_neighbour(node.shape, 3), node) for node in (y, before[0])]
        return [(node, LOSS) for node in readers]

    return net


def _neighbour(shape: Shape, size: int, activation: str | None = None) -> Layer:
    """A convolution for images or sequences, a dense layer for vectors, with as many channels."""
    kind = {1: "dense", 2: "conv1d", 3: "conv2d"}[len(shape)]
    make: Callable[..., Layer] = layers.get(kind)
    if kind == "dense":
        return make(shape[0], activation=activation)
    return make(shape[0], size, padding="same", activation=activation)


def _model(layer: Layer, shapes: list[Shape], **options: Any) -> Model:
    """The layer in a model of its own, for fit and files: fresh, named as the registry names it."""
    inputs = [Input(shape, data_format="channels_first") for shape in shapes]
    own = deepcopy(layer)
    y: SymbolicTensor = own(inputs if layer.merges else inputs[0])
    if len(y.sample) > 1:
        y = layers.get("flatten")()(y)
    return Model(inputs, layers.get("dense")(3)(y), seed=1, **options)
