"""The structure of a model as plain data for a model file, and back.

layers: the options of every layer, each layer once
models: inner models first, the model itself last; each refers to layers and earlier models
    by number, so that nothing can contain itself. A "sequential" has a stack; in a "model"
    tensors are numbered, its inputs first, then what each call gives.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from fastcnn.engine.graph import MAX_NODES
from fastcnn.engine.layer import Layer
from fastcnn.engine.network import Network
from fastcnn.engine.preprocessing import Preprocessing
from fastcnn.engine.symbolic import Input, to_format
from fastcnn.errors import ModelFileError
from fastcnn.model import Model
from fastcnn.plugins.registry import config_of, layers, make
from fastcnn.sequential import Sequential

MAX_MODELS = 100  # inside each other: a small file must not ask for endless recursion


def describe(model: Model) -> dict[str, Any]:
    """{"layers": [...], "models": [...]}"""
    members = _inner_first(model, {})
    parts = list(dict.fromkeys(p for member in members for p in member.layers))
    stack = [part for part in parts if isinstance(part, Layer)]
    references = {layer: {"layer": k} for k, layer in enumerate(stack)}
    numbers = references | {member: {"model": k} for k, member in enumerate(members)}
    return {
        "layers": [_describe_layer(layer) for layer in stack],
        "models": [_describe_model(member, numbers) for member in members],
    }


def _inner_first(model: Any, found: dict[Any, None]) -> list[Any]:
    for part in model.layers:
        if isinstance(part, Network) and part not in found:
            _inner_first(part, found)
    found[model] = None
    return list(found)


def _describe_layer(layer: Layer) -> dict[str, Any]:
    config = {**config_of(layer), "layer_name": layer.name}
    if not layer.trainable:
        config["trainable"] = False
    if any(layer.preprocessing):
        config["preprocessing"] = [pixels and pixels.plain() for pixels in layer.preprocessing]
    if layer.columns is not None:
        config["columns"] = list(layer.columns)
    return config


def _describe_model(model: Any, numbers: dict[Any, dict[str, int]]) -> dict[str, Any]:
    inputs = [
        {"name": tensor.name, "shape": list(to_format(tensor.sample, model.data_format))}
        for tensor in model.inputs
    ]
    common = {"name": model.name, "data_format": model.data_format, "inputs": inputs}
    if isinstance(model, Sequential):
        return {"kind": "sequential", **common, "stack": [numbers[part] for part in model.layers]}
    made = chain.from_iterable(call.outputs for call in model.calls)
    places = {tensor: k for k, tensor in enumerate(chain(model.inputs, made))}
    calls = [
        {**numbers[call.callee], "reads": [places[t] for t in call.inputs]} for call in model.calls
    ]
    outputs = [places[tensor] for tensor in model.outputs]
    return {"kind": "model", **common, "calls": calls, "outputs": outputs}


def build(description: dict[str, Any], weights: dict[str, Any], **options: Any) -> Any:
    """The model with these weights. options: those of Model."""
    parts: dict[str, list[Any]] = {"model": []}
    parts["layer"] = [_build_layer(config) for config in description["layers"]]
    if not 0 < len(description["models"]) <= MAX_MODELS:
        raise ModelFileError(f"expected 1 to {MAX_MODELS} models, not {len(description['models'])}")
    for entry in description["models"]:
        parts["model"].append(_connect(entry, parts, options))
    *inner, model = parts["model"]
    model.make_parameters(weights)
    for member in inner:
        if member in _inner_first(model, {}):
            member.make_parameters()  # its layers have the weights by now
    return model


def _build_layer(config: dict[str, Any]) -> Layer:
    config = dict(config)
    name, trainable = config.pop("layer_name", None), config.pop("trainable", True)
    pixels, columns = config.pop("preprocessing", ()), config.pop("columns", None)
    layer = make(layers, {key: _tuples(value) for key, value in config.items()})
    layer.name = None if name is None else str(name)
    layer.trainable = bool(trainable)
    layer.columns = None if columns is None else tuple(int(n) for n in columns)
    layer.preprocessing = tuple(entry and Preprocessing.from_plain(entry) for entry in pixels)
    return layer


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def _connect(entry: dict[str, Any], parts: dict[str, list[Any]], options: dict[str, Any]) -> Any:
    """A model without parameters yet."""
    steps = entry["stack"] if entry["kind"] == "sequential" else entry["calls"]
    if len(steps) > MAX_NODES:
        raise ModelFileError(f"a model has at most {MAX_NODES:,} calls, not {len(steps):,}")
    options = {**options, "name": str(entry["name"])}
    if entry["kind"] == "sequential":
        stack = [_part(step, parts) for step in steps]
        model = Sequential(stack, data_format=entry["data_format"], **options)
        model.connect_stack(tuple(entry["inputs"][0]["shape"]))
        return model
    tensors = [
        Input(tuple(i["shape"]), str(i["name"]), data_format=entry["data_format"])
        for i in entry["inputs"]
    ]
    inputs = list(tensors)
    for step in steps:
        made = _part(step, parts)([_pick(tensors, k) for k in step["reads"]])
        tensors += made if isinstance(made, list) else [made]
    outputs = [_pick(tensors, k) for k in entry["outputs"]]
    return Model(inputs, outputs, make_parameters=False, **options)


def _part(step: dict[str, Any], parts: dict[str, list[Any]]) -> Any:
    (kind,) = set(step) & set(parts)
    return _pick(parts[kind], step[kind])


def _pick(things: Sequence[Any], number: Any) -> Any:
    if not isinstance(number, int) or not 0 <= number < len(things):
        raise ModelFileError(f"number {number} of {len(things)} that there are")
    return things[number]
