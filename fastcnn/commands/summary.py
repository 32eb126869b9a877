"""`fastcnn summary` and `fastcnn models`: shapes and sizes of models."""

import inspect
from pathlib import Path
from typing import Any

from fastcnn.commands.find_model import find_model
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import models
from fastcnn.sequential import Sequential
from fastcnn.training.model_config import model_config

Size = tuple[int, int, int]
COMMON: Size = (28, 28, 1)


def summary(what: str, input_shape: Size | None = None, classes: int | None = None) -> str:
    """The table of a model file, run folder, built-in model or TOML file."""
    is_file = Path(what).exists() or Path(what).suffix == ".safetensors"
    if is_file and Path(what).suffix.lower() != ".toml":
        if input_shape or classes:
            raise OptionError(f"{what} has its input shape and classes already")
        return find_model(what).summary()
    config = model_config(what)
    height, width, channels = input_shape or usual_input(config.stack)
    stack = config.stack((channels, height, width), classes or 10)
    return Sequential(stack, (height, width, channels), name=config.name).summary()


def usual_input(function: Any) -> Size:
    """(height, width, channels) that a model was made for: the default of its `input_shape`."""
    shape = inspect.signature(function).parameters["input_shape"].default
    return COMMON if shape is inspect.Parameter.empty else (shape[1], shape[2], shape[0])


def model_list() -> list[tuple[str, int, str, str]]:
    """(name, parameters, usual input, first line of its docstring) of every registered model."""
    rows = []
    for name in models.names():
        function = models.get(name)
        height, width, channels = shape = usual_input(function)
        model = Sequential(function((channels, height, width), 10), shape, name=name)
        text = (function.__doc__ or "").strip().partition("\n")[0]
        rows.append((name, model.count_params(), "x".join(map(str, shape)), text))
    return rows
