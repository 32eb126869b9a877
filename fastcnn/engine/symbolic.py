"""Tensors that hold no numbers: what `Input` gives, and what a layer gives when it is called.

A call is remembered (the layer, what it read, what it gave); a Network collects the calls between
its inputs and its outputs.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from numbers import Integral
from typing import TYPE_CHECKING, Any, Union

from fastcnn.arguments import LARGEST, checked, is_whole
from fastcnn.engine.layer import Layer, Shape
from fastcnn.errors import OptionError, ShapeError, told, unknown

if TYPE_CHECKING:
    from fastcnn.engine.network import Network

# What a model function gives: layers one after the other, or a function from input to output.
Structure = list[Any] | Callable[["SymbolicTensor"], "SymbolicTensor"]

DATA_FORMATS = ("channels_last", "channels_first")
_numbers = count()


@dataclass(eq=False)
class SymbolicTensor:
    """One output of a call, or an input. sample: shape of one sample, channels first."""

    sample: Shape
    data_format: str
    call: "Call | None" = None  # None: made by Input
    index: int = 0  # among the outputs of the call
    name: str = "input"

    @property
    def shape(self) -> tuple[int | None, ...]:
        """(None, height, width, channels), or in the order of data_format; None: the batch."""
        return (None, *to_format(self.sample, self.data_format))

    def __repr__(self) -> str:
        return f"SymbolicTensor(shape={self.shape}, name={self.name!r})"


@dataclass(eq=False)
class Call:
    """One use of a layer, or of a whole model."""

    callee: Union[Layer, "Network"]
    inputs: list[SymbolicTensor]
    outputs: list[SymbolicTensor] = field(default_factory=list)
    number: int = field(default_factory=lambda: next(_numbers))  # calls run in this order

    def __repr__(self) -> str:
        return f"Call({self.callee!r} on {self.inputs})"


@checked
def Input(
    shape: Any, name: str | None = None, *, data_format: str = "channels_last"
) -> SymbolicTensor:
    """Where samples come in: images (height, width, channels), sequences (length, channels) or
    vectors (features,); channels come first with data_format="channels_first".
    """
    sample = to_channels_first(check_shape(shape), data_format)
    return SymbolicTensor(sample, data_format, name=name or "input")


def check_shape(shape: Any) -> Shape:
    """The shape of a sample as 1 to 3 positive integers."""
    if not isinstance(shape, Iterable):
        raise ShapeError(f"an input shape is a tuple of integers, not {told(shape)}")
    sizes = tuple(shape)
    if any(isinstance(n, Integral) and int(n) > LARGEST for n in sizes):
        raise ShapeError(f"an input shape of {told(shape)} is too large")
    if not all(map(is_whole, sizes)):
        raise ShapeError(f"an input shape is a tuple of integers, not {told(shape)}")
    sizes = tuple(int(n) for n in sizes)
    if not 1 <= len(sizes) <= 3:
        raise ShapeError(
            "an input shape has one axis (features), two (length, channels) or three "
            f"(height, width, channels), not {shape}"
        )
    if min(sizes) < 1:
        raise ShapeError(f"an input needs at least one pixel and channel, not {shape}")
    return sizes


def to_channels_first(shape: Shape, data_format: str) -> Shape:
    """From the order of data_format to (channels, ...)."""
    if data_format not in DATA_FORMATS:
        raise unknown("data_format", data_format, DATA_FORMATS)
    return (shape[-1], *shape[:-1]) if data_format == "channels_last" else shape


def to_format(sample: Shape, data_format: str) -> Shape:
    """From (channels, ...) to the order of data_format."""
    return (*sample[1:], sample[0]) if data_format == "channels_last" else sample


def as_tensors(given: Any, what: str) -> list[SymbolicTensor]:
    """One symbolic tensor, or a list of them, as a list."""
    tensors = list(given) if isinstance(given, list | tuple) else [given]
    for tensor in tensors:
        if not isinstance(tensor, SymbolicTensor):
            raise OptionError(
                f"{what} takes tensors that begin at fastcnn.Input(...), not "
                f"{type(tensor).__name__}; numbers go into model.predict or model.fit"
            )
    if not tensors:
        raise OptionError(f"{what} needs at least one tensor")
    if len({tensor.data_format for tensor in tensors}) > 1:
        raise OptionError(f"{what} got channels_last and channels_first tensors: choose one")
    return tensors


def call_layer(layer: Layer, given: Any) -> SymbolicTensor:
    """What `layer(x)` does: note the call, and tell the shape that comes out."""
    title = repr(layer.name) if layer.name else layer.registered_name
    tensors = as_tensors(given, f"layer {title}")
    shapes = [tensor.sample for tensor in tensors]
    if layer.formatted:
        _adopt_format(layer, tensors[0].data_format, title)
    if len(tensors) > 1 and not layer.merges:
        raise OptionError(f"layer {title} takes one tensor, not {len(tensors)}: merge them first")
    try:
        sample = layer.output_shape(*shapes)
    except ShapeError as error:
        raise ShapeError(f"layer {title} {layer!r} on {_list(shapes)}: {error}") from None
    return add_call(layer, tensors, [sample])[0]


def _adopt_format(layer: Layer, data_format: str, title: str) -> None:
    """The order of axes that the layer's options follow from now on."""
    if layer.calls and layer.tensor_format != data_format:
        raise OptionError(
            f"layer {title} was called on {layer.tensor_format} tensors before, and its options "
            f"follow their order: make a new layer for {data_format}"
        )
    layer.tensor_format = data_format


def add_call(callee: Any, tensors: list[SymbolicTensor], samples: list[Shape]) -> list:
    """Note a call of a layer or network; returns its output tensors."""
    call = Call(callee, tensors)
    data_format = tensors[0].data_format
    title = callee.name or callee.registered_name
    call.outputs = [
        SymbolicTensor(sample, data_format, call, index, title)
        for index, sample in enumerate(samples)
    ]
    if isinstance(callee, Layer):
        callee.calls = (*callee.calls, call)
    return call.outputs


def _list(shapes: list[Shape]) -> str:
    return ", ".join(map(str, shapes))
