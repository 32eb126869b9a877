"""`fastcnn summary` and `fastcnn models`: shapes and sizes of models."""

from pathlib import Path

from fastcnn.commands.find_model import find_model
from fastcnn.commands.model_argument import model_argument
from fastcnn.errors import OptionError
from fastcnn.model import Model
from fastcnn.models import outline
from fastcnn.plugins.registry import models
from fastcnn.training.summary import count_parameters

Size = tuple[int, int, int]


def summary(
    what: str,
    input_shape: Size | None = None,
    classes: int | None = None,
    plot: str | None = None,
) -> str:
    """The table of a model file, run folder, built-in model or TOML file; plot: also a picture."""
    model = _model(what, input_shape, classes)
    if plot is not None:
        model.plot(plot)
    return model.summary()


def _model(what: str, input_shape: Size | None, classes: int | None) -> Model:
    is_file = Path(what).exists() or Path(what).suffix == ".safetensors"
    if is_file and Path(what).suffix.lower() != ".toml":
        if input_shape or classes:
            raise OptionError(f"{what} has its input shape and classes already")
        return find_model(what)
    return outline(model_argument(what), input_shape, classes)


def model_list() -> list[tuple[str, int, str, str]]:
    """(name, parameters, usual input, first line of its docstring) of every registered model."""
    rows = []
    for name in models.names():
        model = outline(name)
        shape = "x".join(map(str, model.inputs[0].shape[1:]))
        text = (models.get(name).__doc__ or "").strip().partition("\n")[0]
        rows.append((name, count_parameters(model), shape, text))
    return rows
