"""The model as a graph: nodes (a layer and the nodes it reads) in an order that can be run."""

import math
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field

from fastcnn.engine.activation import make_activation
from fastcnn.engine.flat_order import FlatOrder
from fastcnn.engine.layer import Layer, Parameter, Shape
from fastcnn.engine.options import activity_penalty
from fastcnn.errors import OptionError, ShapeError
from fastcnn.plugins.registry import layers

MAX_NODES = 10_000  # inner models are written out: a small file could ask for any number


@dataclass(eq=False)
class Node:
    """One use of a layer. `implicit`: an activation given as an option of the layer before."""

    name: str
    layer: Layer | None  # None: an input of the graph
    inputs: list["Node"]
    shape: Shape  # of the output of one sample
    implicit: bool = False
    parameters: dict[str, Parameter] = field(default_factory=dict)
    flattened: Shape | None = None  # an image whose numbers it holds in the order of memory
    owner: str = ""  # name of the node that used the layer first: the parameters are called by it

    @property
    def input_shapes(self) -> list[Shape]:
        return [node.shape for node in self.inputs]

    def key(self, parameter: str) -> str:
        """Name of a parameter in the whole model, e.g. "conv2d_1/kernel"."""
        return f"{self.owner or self.name}/{parameter}"

    def __repr__(self) -> str:
        return f"Node({self.name!r}, {self.layer!r}, reads {[n.name for n in self.inputs]})"


class Graph:
    """Nodes in running order: every node stands after the nodes it reads.

    outputs: what the graph is run for; the last node, unless others are set.
    """

    def __init__(self, *input_shapes: Shape, data_format: str = "channels_first") -> None:
        self.data_format = data_format
        self.nodes: list[Node] = []
        self.inputs: list[Node] = []
        self.outputs: list[Node] = []
        self._names: set[str] = set()
        self._uses: dict[Layer, list[Node]] = {}
        self._turned: dict[tuple[Node, Shape | None], Node] = {}
        for shape in input_shapes:
            self.add_input(shape)

    @property
    def input(self) -> Node:
        """The only input."""
        (node,) = self.inputs
        return node

    @property
    def output(self) -> Node:
        """The only output."""
        (node,) = self.outputs
        return node

    def add_input(self, shape: Shape, name: str = "input") -> Node:
        if any(n < 1 for n in shape):
            raise ShapeError(f"an input needs at least one pixel and channel, not {shape}")
        node = Node(self._unique(name), None, [], tuple(shape))
        self._append(node)
        self.inputs.append(node)
        return node

    def apply(self, layer: Layer, *inputs: Node, name: str | None = None) -> Node:
        """Append a layer, the activation and the activity regularizer among its options.

        Returns the node of its output. A layer that was applied before uses its parameters again;
        its node is called "name:1", ...
        """
        uses = self._uses.setdefault(layer, [])
        first = uses[0] if uses else None
        if first is None:
            name = self._unique(name or layer.name or layer.registered_name)
        else:
            name = self._unique(f"{first.name}:{len(uses)}")
        node = self._use(name, layer, self._in_order(layer, inputs, first), first)
        uses.append(node)
        for follower, title in _followers(layer):
            node = self.apply(follower, node, name=f"{name}/{title}")
            node.implicit = True
        return node

    def _in_order(self, layer: Layer, inputs: Sequence[Node], first: Node | None) -> list[Node]:
        """The inputs with their numbers in the order in which this layer reads them."""
        if layer.any_order or not inputs:
            return list(inputs)
        if layer.takes_columns and layer.columns is None and first is None:
            layer.columns = inputs[0].flattened or ()
        fits = math.prod(layer.columns or ()) == math.prod(inputs[0].shape)
        return [self.turned(node, layer.columns if fits else None) for node in inputs]

    def turned(self, node: Node, wanted: Shape | None = None) -> Node:
        """A node whose numbers are those of a flattened image in the order of memory, or (None)
        in the order of the data format."""
        wanted = wanted or None
        if node.flattened == wanted or self.data_format == "channels_first":
            return node
        if (node, wanted) not in self._turned:
            given, source = node.flattened, node
            for image, to_memory in ((given, False), (wanted, True)):
                if image is not None:
                    source = self._use(
                        self._unique(f"{node.name}/order"), FlatOrder(image, to_memory), [source]
                    )
                    source.implicit = True
            source.flattened = wanted
            self._turned[node, wanted] = source
        return self._turned[node, wanted]

    def _use(self, name: str, layer: Layer, inputs: list[Node], first: Node | None = None) -> Node:
        shapes = [node.shape for node in inputs]
        try:
            shape = layer.output_shape(*shapes)
        except ShapeError as error:
            raise ShapeError(f"layer {name!r} {layer!r}: {error}") from None
        parameters = layer.parameters(*shapes)
        if first is not None:
            _check_shared(first, parameters, shapes)
        owner = name if first is None else first.name
        node = Node(name, layer, inputs, shape, parameters=parameters, owner=owner)
        node.flattened = inputs[0].flattened if layer.any_order else layer.flattened(shapes[0])
        self._append(node)
        self.outputs = [node]
        return node

    def _append(self, node: Node) -> None:
        if len(self.nodes) >= MAX_NODES:
            raise OptionError(f"a model has at most {MAX_NODES:,} nodes, inner models written out")
        self._names.add(node.name)
        self.nodes.append(node)

    def _unique(self, name: str) -> str:
        return unique_name(name, self._names)

    def consumers(self) -> dict[Node, list[Node]]:
        """{node: the nodes that read it}, in running order."""
        readers: dict[Node, list[Node]] = {node: [] for node in self.nodes}
        for node in self.nodes:
            for source in dict.fromkeys(node.inputs):
                readers[source].append(node)
        return readers

    @classmethod
    def chain(cls, input_shape: Shape, stack: Sequence[Layer]) -> "Graph":
        """One layer after the other."""
        if not stack:
            raise OptionError("a model needs at least one layer")
        graph = cls(input_shape)
        node = graph.input
        for layer in stack:
            node = graph.apply(layer, node)
        return graph


def _followers(layer: Layer) -> Iterator[tuple[Layer, str]]:
    """The layers that are meant by options of a layer, and their names."""
    if not layer.is_activation and layer.activation not in (None, "linear"):
        function = make_activation(layer.activation)
        if layer.activation_layer is None:
            layer.activation_layer = function.layer()
        yield layer.activation_layer, function.registered_name
    if layer.activity_regularizer is not None:
        penalties = activity_penalty(layer.activity_regularizer)
        yield layers.get("activity_regularization")(**penalties), "activity_regularizer"


def unique_name(name: str, taken: Container[str]) -> str:
    """The name, or with the first free number behind it."""
    if name not in taken:
        return name
    k = 1
    while f"{name}_{k}" in taken:
        k += 1
    return f"{name}_{k}"


def _check_shared(first: Node, parameters: dict[str, Parameter], shapes: list[Shape]) -> None:
    for name, parameter in parameters.items():
        before = first.parameters[name].shape
        if parameter.shape != before:
            raise ShapeError(
                f"layer {first.name!r} is used again on {shapes}: its {name} would be "
                f"{parameter.shape} there, but is {before} on {first.input_shapes}"
            )
