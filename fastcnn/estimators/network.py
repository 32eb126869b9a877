"""From the parameter `layers` to a model: the body as asked for, and the outputs that y needs."""

from dataclasses import dataclass
from typing import Any

from fastcnn import models
from fastcnn.engine.layer import Layer
from fastcnn.engine.symbolic import Input, SymbolicTensor
from fastcnn.errors import OptionError, ShapeError
from fastcnn.estimators.layer_specs import automatic, make_layers, names_model
from fastcnn.layers import Dense, Flatten
from fastcnn.model import Model

ONLY_AT_THE_END = ("softmax", "log_softmax")


@dataclass(frozen=True)
class Output:
    """A dense layer at the end."""

    units: int
    activation: str

    @property
    def is_constant(self) -> bool:
        """Whether it says 1 whatever comes in: of a single class."""
        return self.units == 1 and self.activation == "softmax"


def build_model(
    layers: Any, shape: tuple[int, ...], outputs: list[Output], data_format: str, **options: Any
) -> Model:
    """A model of the layers, and after them one dense layer for each output.

    layers: as CNNClassifier's; a model by name loses its own last layer, unless it is the one
        that is wanted.
    shape: of a sample: (height, width, channels), in the order of data_format, or (features,).
    options: of Model.
    """
    options = {"data_format": data_format, **options}
    if not names_model(layers):
        return _from_layers(layers, shape, outputs, **options)
    if len(shape) == 1:
        raise ShapeError(
            f"the model {layers!r} takes images, but X holds rows of {shape[0]} features: give "
            "input_shape=(height, width, channels)"
        )
    model = models.build(layers, shape, outputs[0].units, **options)
    if len(outputs) == 1 and outputs[0].activation == "softmax":
        return model
    del options["data_format"]
    return Model(model.input, _heads(_without_top(model.output), outputs), **options)


def _from_layers(
    layers: Any, shape: tuple[int, ...], outputs: list[Output], data_format: str, **options: Any
) -> Model:
    start = Input(shape, data_format=data_format)
    if isinstance(layers, str) and layers == "auto":
        channels, *size = start.sample
        layers = automatic((*size, channels))
    x = start
    for layer in make_layers(layers):
        x = _flat(x) if isinstance(layer, Dense) else x
        x = _call(layer, x)
    if x.call and _activation(x.call.callee) in ONLY_AT_THE_END:
        raise OptionError("leave out the output layer: it is added, as y needs it")
    return Model(start, _heads(x, outputs), **options)


def _call(layer: Layer, x: SymbolicTensor) -> SymbolicTensor:
    try:
        return layer(x)
    except ShapeError as error:
        hint = ""
        if len(x.sample) == 1:
            hint = "; for rows that are images give input_shape=(height, width, channels)"
        raise ShapeError(f"{error}{hint}") from error


def _heads(x: SymbolicTensor, outputs: list[Output]) -> list[SymbolicTensor]:
    x = _flat(x)
    return [Dense(out.units, activation=out.activation, name="output")(x) for out in outputs]


def _flat(x: SymbolicTensor) -> SymbolicTensor:
    return Flatten()(x) if len(x.sample) > 1 else x


def _without_top(y: SymbolicTensor) -> SymbolicTensor:
    """What the last dense layer of a classifier reads; else what its softmax reads."""
    call = y.call
    while call is not None:
        if isinstance(call.callee, Dense):
            return call.inputs[0]
        if _activation(call.callee) not in ONLY_AT_THE_END:
            break
        y = call.inputs[0]
        call = y.call
    return y


def _activation(layer: Any) -> str:
    """The name of what a layer ends with, be it all that it does."""
    given = getattr(layer, "activation", None) or getattr(layer, "registered_name", "")
    if isinstance(given, dict):
        return given["name"]
    return str(getattr(given, "registered_name", given))
