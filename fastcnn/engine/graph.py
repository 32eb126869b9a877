"""The model as a graph: nodes (a layer and the nodes it reads) in an order that can be run."""

from dataclasses import dataclass, field

from fastcnn.engine.activation import make_activation
from fastcnn.engine.layer import Layer, Parameter, Shape
from fastcnn.engine.options import activity_penalty
from fastcnn.errors import OptionError, ShapeError
from fastcnn.plugins.registry import layers


@dataclass
class Node:
    """One use of a layer. `implicit`: an activation given as an option of the layer before."""

    name: str
    layer: Layer | None  # None: an input of the graph
    inputs: list["Node"]
    shape: Shape  # of the output of one sample
    implicit: bool = False
    parameters: dict[str, Parameter] = field(default_factory=dict)

    @property
    def input_shapes(self) -> list[Shape]:
        return [node.shape for node in self.inputs]

    def key(self, parameter: str) -> str:
        """Name of a parameter in the whole model, e.g. "conv2d_1/kernel"."""
        return f"{self.name}/{parameter}"


class Graph:
    """Nodes in running order: every node stands after the nodes it reads."""

    def __init__(self, input_shape: Shape) -> None:
        if any(n < 1 for n in input_shape):
            raise ShapeError(f"an input needs at least one pixel and channel, not {input_shape}")
        self.input = Node("input", None, [], tuple(input_shape))
        self.nodes = [self.input]
        self.output = self.input

    def apply(self, layer: Layer, *inputs: Node) -> Node:
        """Append a layer, the activation and the activity regularizer among its options.

        Returns the node of its output.
        """
        name = self._unique(layer.name or layer.registered_name)
        node = self._append(name, layer, list(inputs), implicit=False)
        if not layer.is_activation and layer.activation not in (None, "linear"):
            function = make_activation(layer.activation)
            name = f"{name}/{function.registered_name}"
            node = self._append(name, function.layer(), [node], implicit=True)
        if layer.activity_regularizer is not None:
            kind = layers.get("activity_regularization")
            penalties = activity_penalty(layer.activity_regularizer)
            name = f"{name}/activity_regularizer"
            node = self._append(name, kind(**penalties), [node], implicit=True)
        return node

    def _append(self, name: str, layer: Layer, inputs: list[Node], implicit: bool) -> Node:
        shapes = [node.shape for node in inputs]
        try:
            shape = layer.output_shape(*shapes)
        except ShapeError as error:
            raise ShapeError(f"layer {name!r} {layer!r}: {error}") from None
        node = Node(name, layer, inputs, shape, implicit, layer.parameters(*shapes))
        self.nodes.append(node)
        self.output = node
        return node

    def _unique(self, name: str) -> str:
        taken = {node.name for node in self.nodes}
        if name not in taken:
            return name
        k = 1
        while f"{name}_{k}" in taken:
            k += 1
        return f"{name}_{k}"

    def consumers(self, node: Node) -> list[Node]:
        return [other for other in self.nodes if node in other.inputs]

    @classmethod
    def chain(cls, input_shape: Shape, stack: list[Layer]) -> "Graph":
        """The graph of a Sequential model."""
        if not stack:
            raise OptionError("a model needs at least one layer")
        graph = cls(input_shape)
        for layer in stack:
            graph.apply(layer, graph.output)
        return graph
