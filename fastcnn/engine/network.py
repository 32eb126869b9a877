"""Layers joined by calls, from inputs to outputs: the structure of a model."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Union

from fastcnn.arguments import checked
from fastcnn.engine.graph import Graph, Node, unique_name
from fastcnn.engine.layer import Layer
from fastcnn.engine.symbolic import Call, SymbolicTensor, add_call, as_tensors
from fastcnn.errors import OptionError, ShapeError, unknown

Callee = Union[Layer, "Network"]


class Network:
    """The calls between some inputs and outputs. Can be called itself, as a layer of another one.

    Every layer has one name in it: its own, or the registered one; numbered where that is taken.
    """

    name: str
    inputs: list[SymbolicTensor]
    outputs: list[SymbolicTensor]
    calls: list[Call]
    names: dict[Callee, str]
    _input_names: list[str]

    def __getattr__(self, attribute: str) -> Any:
        """Reached for what is missing: the structure, before `connect`."""
        if attribute in Network.__annotations__:
            raise OptionError(
                "the model has no input shape yet: give input_shape, or call fit or build"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {attribute!r}")

    def connect(self, inputs: Any, outputs: Any) -> None:
        """Find the calls between these tensors, or say what is missing."""
        self.inputs = as_tensors(inputs, f"the inputs of {self.name!r}")
        self.outputs = as_tensors(outputs, f"the outputs of {self.name!r}")
        if len(set(self.inputs)) < len(self.inputs):
            raise OptionError(f"model {self.name!r}: an input is given twice")
        self.calls = _calls_between(self.name, self.inputs, self.outputs)
        self._input_names = _numbered(tensor.name for tensor in self.inputs)
        self.names = _names(self.calls)
        for callee in self.names:
            if isinstance(callee, Layer) and not callee.first_calls:
                callee.first_calls = tuple(c for c in self.calls if c.callee is callee)

    @property
    def is_connected(self) -> bool:
        return "calls" in vars(self)

    # ---- parts

    @property
    def layers(self) -> list[Any]:
        """Layers and inner models in the order of their first calls."""
        return list(self.names)

    @checked
    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """The layer (or inner model) of that name, or at that place in `layers`."""
        if (name is None) == (index is None):
            raise OptionError("get_layer takes a name or an index")
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise OptionError(f"no layer {index}: there are {len(self.layers)} layers")
            return self.layers[index]
        for callee, known in self.names.items():
            if known == name:
                return callee
        raise unknown("layer", name, self.names.values())

    def output_of(self, callee: Callee) -> SymbolicTensor:
        """What the only call of a layer (or inner model) gives here, whatever other models do."""
        calls = [call for call in self.calls if call.callee is callee]
        if len(calls) != 1 or len(calls[0].outputs) != 1:
            count = sum(len(call.outputs) for call in calls)
            raise OptionError(
                f"{self.names[callee]!r} gives {count} tensors in model {self.name!r}, not one"
            )
        return calls[0].outputs[0]

    def all_layers(self) -> Iterator[Layer]:
        """Every layer once, those of inner models included."""
        seen: set[Any] = set()  # a model may stand in several others: do not walk it every time
        waiting = list(reversed(self.layers))
        while waiting:
            part = waiting.pop()
            if part in seen:
                continue
            seen.add(part)
            if isinstance(part, Network):
                waiting += reversed(part.layers)
            else:
                yield part

    @property
    def trainable(self) -> bool:
        """Whether any layer learns. Setting it sets all layers; it counts from the next compile."""
        return any(layer.trainable for layer in self.all_layers())

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self.all_layers():
            layer.trainable = bool(value)

    @property
    def input(self) -> Any:
        """The input tensor; a list if there are several."""
        return self.inputs[0] if len(self.inputs) == 1 else list(self.inputs)

    @property
    def output(self) -> Any:
        """The output tensor; a list if there are several."""
        return self.outputs[0] if len(self.outputs) == 1 else list(self.outputs)

    @property
    def data_format(self) -> str:
        return self.inputs[0].data_format

    @property
    def input_names(self) -> list[str]:
        """One for each input; numbered where two are called the same."""
        return list(self._input_names)

    @property
    def output_names(self) -> list[str]:
        """Of the layers that make the outputs; numbered where one makes several."""
        return _numbered(
            self.names[tensor.call.callee] if tensor.call else tensor.name
            for tensor in self.outputs
        )

    # ---- use

    def __call__(self, given: Any) -> Any:
        """Use the whole network as a layer; its parameters are shared, not copied."""
        tensors = as_tensors(given, f"model {self.name!r}")
        expected = [tensor.sample for tensor in self.inputs]
        got = [tensor.sample for tensor in tensors]
        if got != expected:
            raise ShapeError(f"model {self.name!r} takes {expected} (channels first), not {got}")
        made = add_call(self, tensors, [tensor.sample for tensor in self.outputs])
        return made[0] if len(made) == 1 else made

    def unfold(self) -> Graph:
        """The graph of layers alone, inner models written out."""
        graph = Graph(data_format=self.data_format)
        names = self.input_names
        nodes = [
            graph.add_input(t.sample, name) for t, name in zip(self.inputs, names, strict=True)
        ]
        graph.outputs = [graph.turned(node) for node in self._unfold_into(graph, nodes, "")]
        return graph

    def _unfold_into(self, graph: Graph, given: list[Node], prefix: str) -> list[Node]:
        nodes = dict(zip(self.inputs, given, strict=True))
        for call in self.calls:
            read = [nodes[tensor] for tensor in call.inputs]
            name = prefix + self.names[call.callee]
            if isinstance(call.callee, Network):
                made = call.callee._unfold_into(graph, read, f"{name}/")
            else:
                made = [graph.apply(call.callee, *read, name=name)]
            nodes.update(zip(call.outputs, made, strict=True))
        return [nodes[tensor] for tensor in self.outputs]


def _calls_between(
    name: str, inputs: Sequence[SymbolicTensor], outputs: Sequence[SymbolicTensor]
) -> list[Call]:
    """What must run to get from the inputs to the outputs, in running order."""
    found: set[Call] = set()
    seen: set[SymbolicTensor] = set()
    waiting = list(outputs)
    while waiting:
        tensor = waiting.pop()
        if tensor in seen:
            continue
        seen.add(tensor)
        if tensor in inputs:
            continue
        if tensor.call is None:
            known = ", ".join(repr(t.name) for t in inputs)
            raise OptionError(
                f"model {name!r} is disconnected: its outputs need the input {tensor.name!r}, "
                f"which is not among its inputs ({known})"
            )
        found.add(tensor.call)
        waiting += tensor.call.inputs
    for tensor in inputs:
        if tensor not in seen:
            raise OptionError(f"model {name!r}: no output depends on the input {tensor.name!r}")
    if not found:
        raise OptionError(f"model {name!r} needs at least one layer between inputs and outputs")
    return sorted(found, key=lambda call: call.number)


def _names(calls: list[Call]) -> dict[Callee, str]:
    """A name for each layer and inner model; layers without one keep it."""
    callees = list(dict.fromkeys(call.callee for call in calls))
    kinds = (c.registered_name if isinstance(c, Layer) else "model" for c in callees)
    wanted = [c.name or kind for c, kind in zip(callees, kinds, strict=True)]
    names = dict(zip(callees, _numbered(wanted), strict=True))
    for callee, name in names.items():
        callee.name = callee.name or name
    return names


def _numbered(names: Iterable[str]) -> list[str]:
    """The names, with numbers behind those that come again."""
    taken: dict[str, None] = {}
    for name in names:
        taken[unique_name(name, taken)] = None
    return list(taken)
