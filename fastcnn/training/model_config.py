"""Models described in TOML: layers, and perhaps name, loss, optimizer and callbacks.

    name = "tiny"
    [optimizer]
    name = "sgd"
    learning_rate = 0.05
    [[layers]]
    type = "conv2d"
    filters = 16
    kernel_size = 3
    [[layers]]
    type = "flatten"
    [[layers]]
    type = "dense"
    units = "classes"  # as many as the data has
    activation = "softmax"
    [[callbacks]]
    name = "early_stopping"
    patience = 5

A layer reads what the layer before it gives; with `inputs` it reads named layers above it, or the
model's "input". Then nothing may be left over: the last layer is the output.

    [[layers]]
    type = "add"
    inputs = ["input", "branch"]

A file can name registered things and give numbers; it holds no code.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.symbolic import Structure, SymbolicTensor
from fastcnn.errors import FastcnnError, OptionError, unknown
from fastcnn.plugins.registry import layers, losses, make, models, optimizers
from fastcnn.training.callback_list import make_callbacks
from fastcnn.training.callback_paths import check_within
from fastcnn.training.checked import read_toml

KEYS = ("name", "loss", "optimizer", "layers", "callbacks")
INPUT = "input"
COMMON = (28, 28, 1)
DEFAULT_LOSS = "sparse_categorical_crossentropy"


@dataclass(frozen=True)
class ModelConfig:
    """A model before its data is known.

    structure: (input shape (C, H, W), classes) -> Structure
    loss, optimizer, callbacks: None or empty where nobody said which.
    usual_input: (height, width, channels) that it was made for; usual_classes likewise.
    """

    name: str
    structure: Callable[[Shape, int], Structure]
    loss: Any = None
    optimizer: dict[str, Any] | None = None
    callbacks: Sequence[dict[str, Any]] = ()
    usual_input: tuple[int, int, int] = COMMON
    usual_classes: int = 10


def model_config(model: str | dict[str, Any]) -> ModelConfig:
    """A registered model, by name or {"name": ..., option: ...}; or the TOML file of that path."""
    if isinstance(model, str) and model.lower().endswith(".toml"):
        return read_model_toml(Path(model))
    table = {"name": model} if isinstance(model, str) else model

    function = models.get(table.get("name"))  # type: ignore[arg-type]

    def structure(input_shape: Shape, classes: int) -> Structure:
        return make(models, {**table, "input_shape": input_shape, "classes": classes})

    return ModelConfig(
        table["name"],
        structure,
        usual_input=usual_input(function),
        usual_classes=usual_classes(function),
    )


def usual_input(function: Any) -> tuple[int, int, int]:
    """(height, width, channels) that a model was made for: the default of its `input_shape`."""
    shape = inspect.signature(function).parameters["input_shape"].default
    return COMMON if shape is inspect.Parameter.empty else (shape[1], shape[2], shape[0])


def usual_classes(function: Any) -> int:
    """How many classes a model was made for: the default of its `classes`."""
    classes = inspect.signature(function).parameters["classes"].default
    return 10 if classes is inspect.Parameter.empty else classes


def read_model_toml(path: Path) -> ModelConfig:
    """A checked description; what is wrong in it is an error that names the file and the layer."""
    document = read_toml(path)
    for key in document:
        if key not in KEYS:
            raise _in_file(path, unknown("key", key, KEYS))
    return config_of_document(path, document)


def config_of_document(
    path: Path, document: dict[str, Any], model: str | dict[str, Any] | None = None
) -> ModelConfig:
    """What a file's KEYS say; model: a registered one that stands for its layers."""
    loss, optimizer = document.get("loss"), document.get("optimizer")
    callbacks = document.get("callbacks", [])
    if isinstance(optimizer, str):
        optimizer = {"name": optimizer}
    try:
        for registry, thing in ((losses, loss), (optimizers, optimizer)):
            if thing is not None:
                make(registry, thing)
        make_callbacks(callbacks)
        check_within(callbacks)
        config = None if model is None else _named(model, document)
    except (FastcnnError, TypeError, ValueError) as error:
        raise _in_file(path, error) from error
    config = config or _layers(path, document)
    return replace(config, loss=loss, optimizer=optimizer, callbacks=callbacks)


def _named(model: str | dict[str, Any], document: dict[str, Any]) -> ModelConfig:
    for key in ("name", "layers"):
        if key in document:
            raise OptionError(f"give model or {key}, not both")
    table = {"name": model} if isinstance(model, str) else model
    if not isinstance(table, dict) or not isinstance(table.get("name"), str):
        raise OptionError(f"model must be a name or a table with a name, not {model!r}")
    models.get(table["name"])
    return model_config(table)


def _layers(path: Path, document: dict[str, Any]) -> ModelConfig:
    entries = document.get("layers")
    if not (isinstance(entries, list) and entries and all(isinstance(e, dict) for e in entries)):
        raise OptionError(f"{path}: expected one or more [[layers]] tables")

    def structure(input_shape: Shape, classes: int) -> Structure:
        stack = [_layer(path, number, entry, classes) for number, entry in enumerate(entries, 1)]
        return partial(_connect, entries, stack) if branched else stack

    branched = any("inputs" in entry for entry in entries)
    structure((1, 1, 1), 2)  # unknown names and options come out before any data is read
    if branched:
        _check_inputs(path, entries)
    return ModelConfig(str(document.get("name", path.stem)), structure)


def _reads(entries: list[dict[str, Any]]) -> Iterator[list[str]]:
    """For each layer the titles of what it reads; a layer without a name is called by its number"""
    before = INPUT
    for number, entry in enumerate(entries, 1):
        inputs = entry.get("inputs", before)
        yield inputs if isinstance(inputs, list) else [inputs]
        before = _title(number, entry)


def _title(number: int, entry: dict[str, Any]) -> str:
    return str(entry.get("name", f"layer {number}"))


def _check_inputs(path: Path, entries: list[dict[str, Any]]) -> None:
    """Every layer reads layers above it, and is read by another one, but for the last."""
    unread: dict[str, None] = {INPUT: None}
    known = [INPUT]
    for number, (entry, reads) in enumerate(zip(entries, _reads(entries), strict=True), 1):
        for name in reads:
            if name not in known:
                raise _in_file(path, unknown(f"input of layer {number}", name, known))
            unread.pop(name, None)
        title = _title(number, entry)
        if title in known:
            raise _in_file(path, OptionError(f"two layers are called {title!r}"))
        known.append(title)
        unread[title] = None
    for name in list(unread)[:-1]:
        raise _in_file(path, OptionError(f"no layer reads {name!r}, and only the last is read out"))


def _connect(
    entries: list[dict[str, Any]], stack: list[Layer], x: SymbolicTensor
) -> SymbolicTensor:
    """The output of the last layer, each layer called on what it reads."""
    made = {INPUT: x}
    for number, (layer, reads) in enumerate(zip(stack, _reads(entries), strict=True), 1):
        read = [made[name] for name in reads]
        x = layer(read if layer.merges or len(read) > 1 else read[0])
        made[_title(number, entries[number - 1])] = x
    return x


def _layer(path: Path, number: int, entry: dict[str, Any], classes: int) -> Layer:
    options = {k: _tuples(v) for k, v in entry.items() if k not in ("type", "name", "inputs")}
    if options.get("units") == "classes":
        options["units"] = classes
    where = f"layer {number}"
    if not isinstance(entry.get("type"), str):
        raise _in_file(path, OptionError(f'{where} needs a type, e.g. type = "conv2d"'))
    try:
        layer = make(layers, {"name": entry["type"], **options})
    except (FastcnnError, TypeError, ValueError) as error:
        raise _in_file(path, OptionError(f"{where} ({entry['type']}): {error}")) from error
    if "name" in entry:
        layer.name = str(entry["name"])
    return layer


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def _in_file(path: Path, error: Exception) -> OptionError:
    return OptionError(f"{path}: {error}")
