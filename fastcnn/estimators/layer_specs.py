"""What the parameter `layers` of an estimator may be, and the layers made of it."""

from copy import deepcopy
from typing import Any

from fastcnn.engine.layer import Layer
from fastcnn.errors import FastcnnError, OptionError, told
from fastcnn.estimators.notation import parse_layer, parse_layers
from fastcnn.plugins.registry import config_of, make, models
from fastcnn.plugins.registry import layers as registry

Spec = dict[str, Any] | Layer
VECTORS = "dense 100 relu"
SMALL = "conv 32@3x3 same relu - conv 32@3x3 same relu - pool 2 - dropout 0.25"
LARGE = f"{SMALL} - conv 64@3x3 same relu - conv 64@3x3 same relu - pool 2 - dropout 0.25"
END = "dense 128 relu - dropout 0.5"


def names_model(layers: Any) -> bool:
    """Whether it is a registered model, {"name": ..., option: ...} of one, or a TOML file."""
    if isinstance(layers, str):
        return layers in models.names() or layers.lower().endswith(".toml")
    return isinstance(layers, dict)


def automatic(shape: tuple[int, ...]) -> str:
    """layers="auto" for samples of this shape, (height, width, channels) or (features,)."""
    if len(shape) == 1:
        return VECTORS
    if min(shape[:2]) < 4:
        return f"conv 32@3x3 same relu - {END}"
    return f"{SMALL if min(shape[:2]) < 16 else LARGE} - {END}"


def layer_specs(layers: Any) -> list[Spec]:
    """A table or a Layer for each layer of a line in our notation, or of a list."""
    if isinstance(layers, str):
        return list(parse_layers(layers))
    if not isinstance(layers, list | tuple):
        raise OptionError(
            "layers must be the name of a model, a line such as 'conv 30@5x5 relu - pool 2', or a "
            f"list of layers, not {told(layers)}"
        )
    return [_spec(entry, number) for number, entry in enumerate(layers)]


def _spec(entry: Any, number: int) -> Spec:
    if isinstance(entry, str):
        return parse_layer(entry)
    if not isinstance(entry, dict | Layer):
        raise OptionError(f"layers[{number}] must be a line, a table or a layer, not {told(entry)}")
    return entry


def as_table(spec: Spec) -> dict[str, Any]:
    """{"name": ..., option: ...}, a new one."""
    return dict(spec) if isinstance(spec, dict) else config_of(spec)


def make_layers(layers: Any) -> list[Layer]:
    """Fresh layers: those that were given take part in no model."""
    made = []
    for number, spec in enumerate(layer_specs(layers)):
        try:
            made.append(make(registry, deepcopy(spec)))
        except FastcnnError as error:
            raise OptionError(f"layers[{number}]: {error}") from error
    return made
