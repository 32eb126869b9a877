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

A file can name registered things and give numbers; it holds no code.
"""

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastcnn.engine.layer import Layer
from fastcnn.errors import FastcnnError, ModelFileError, OptionError, unknown
from fastcnn.plugins.registry import layers, losses, make, models, optimizers
from fastcnn.training.callback_list import make_callbacks

KEYS = ("name", "loss", "optimizer", "layers", "callbacks")
DEFAULT_LOSS = "sparse_categorical_crossentropy"


@dataclass(frozen=True)
class ModelConfig:
    """A model before its data is known. stack: (input shape (C, H, W), classes) -> layers."""

    name: str
    stack: Callable[[tuple[int, int, int], int], list[Layer]]
    loss: Any = DEFAULT_LOSS
    optimizer: dict[str, Any] | None = None
    callbacks: Sequence[dict[str, Any]] = ()


def model_config(name_or_path: str) -> ModelConfig:
    """A registered model, or the TOML file of that path."""
    if name_or_path.lower().endswith(".toml"):
        return read_model_toml(Path(name_or_path))
    return ModelConfig(name_or_path, models.get(name_or_path))


def read_model_toml(path: Path) -> ModelConfig:
    """A checked description; what is wrong in it is an error that names the file and the layer."""
    document = _parse(path)
    for key in document:
        if key not in KEYS:
            raise _in_file(path, unknown("key", key, KEYS))
    entries = document.get("layers")
    if not (isinstance(entries, list) and entries and all(isinstance(e, dict) for e in entries)):
        raise OptionError(f"{path}: expected one or more [[layers]] tables")
    loss, optimizer = document.get("loss", DEFAULT_LOSS), document.get("optimizer")
    callbacks = document.get("callbacks", [])
    if isinstance(optimizer, str):
        optimizer = {"name": optimizer}
    try:
        make(losses, loss)
        make(optimizers, optimizer)
        make_callbacks(callbacks)
    except (FastcnnError, TypeError, ValueError) as error:
        raise _in_file(path, error) from error

    def stack(input_shape: tuple[int, int, int], classes: int) -> list[Layer]:
        return [_layer(path, number, entry, classes) for number, entry in enumerate(entries, 1)]

    stack((1, 1, 1), 2)  # unknown names and options come out before any data is read
    return ModelConfig(str(document.get("name", path.stem)), stack, loss, optimizer, callbacks)


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelFileError(f"can't read {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelFileError(f"{path} is no valid TOML: {error}") from error


def _layer(path: Path, number: int, entry: dict[str, Any], classes: int) -> Layer:
    options = {k: _tuples(v) for k, v in entry.items() if k not in ("type", "name")}
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
