"""Models by name: `build("resnet20", classes=10)`. `fastcnn models` lists them."""

from typing import Any

from fastcnn.arguments import checked
from fastcnn.engine.symbolic import Input, Structure, to_channels_first, to_format
from fastcnn.errors import ShapeError
from fastcnn.model import Model
from fastcnn.sequential import Sequential
from fastcnn.training.model_config import ModelConfig, model_config

Described = str | dict[str, Any] | ModelConfig


@checked
def build(
    model: Described,
    input_shape: tuple[int, ...] | None = None,
    classes: int | None = None,
    *,
    data_format: str = "channels_last",
    **options: Any,
) -> Model:
    """A registered model, by name or {"name": ..., option: ...}, or a TOML file, ready to compile.

    input_shape: (height, width, channels), or in the order of data_format; default: what the model
        was made for, and so for classes.
    options: of Model: seed, threads, backend, winograd, precision, dtype, name.
    """
    config = model if isinstance(model, ModelConfig) else model_config(model)
    shape, structure = _structure(config, input_shape, classes, data_format)
    options = {"name": config.name, **options}
    if not callable(structure):
        return Sequential(structure, shape, data_format=data_format, **options)
    x = Input(shape, data_format=data_format)
    return Model(x, structure(x), **options)


def outline(
    model: Described, input_shape: tuple[int, ...] | None = None, classes: int | None = None
) -> Model:
    """The model without its parameters: for `summary()` and `plot()`, however large it is."""
    config = model if isinstance(model, ModelConfig) else model_config(model)
    shape, structure = _structure(config, input_shape, classes, "channels_last")
    y = x = Input(shape)
    for part in [structure] if callable(structure) else structure:
        y = part(y)
    return Model(x, y, name=config.name, make_parameters=False)


def _structure(
    config: ModelConfig, input_shape: tuple[int, ...] | None, classes: int | None, data_format: str
) -> tuple[tuple[int, ...], Structure]:
    """The input shape in that format, and what the model's function gives for it."""
    shape = config.usual_input if input_shape is None else tuple(input_shape)
    if len(shape) != 3:
        raise ShapeError(f"models by name take images, not {shape}")
    if input_shape is None:
        shape = to_format(to_channels_first(shape, "channels_last"), data_format)
    classes = config.usual_classes if classes is None else classes
    return shape, config.structure(to_channels_first(shape, data_format), classes)
