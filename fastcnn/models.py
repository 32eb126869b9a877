"""Models by name: `build("resnet20", classes=10)`. `fastcnn models` lists them."""

from typing import Any

from fastcnn.engine.symbolic import Input, to_channels_first
from fastcnn.errors import ShapeError
from fastcnn.model import Model
from fastcnn.sequential import Sequential
from fastcnn.training.model_config import ModelConfig, model_config


def build(
    model: str | dict[str, Any] | ModelConfig,
    input_shape: tuple[int, ...] | None = None,
    classes: int = 10,
    *,
    data_format: str = "channels_last",
    **options: Any,
) -> Model:
    """A registered model, by name or {"name": ..., option: ...}, or a TOML file, ready to compile.

    input_shape: (height, width, channels), or in the order of data_format; default: what the model
        was made for.
    options: of Model: seed, threads, backend, dtype, name.
    """
    config = model if isinstance(model, ModelConfig) else model_config(model)
    if input_shape is None:
        height, width, channels = config.usual_input
        last = data_format == "channels_last"
        input_shape = (height, width, channels) if last else (channels, height, width)
    if len(input_shape) != 3:
        raise ShapeError(f"models by name take images, not {input_shape}")
    structure = config.structure(to_channels_first(tuple(input_shape), data_format), classes)
    options = {"name": config.name, **options}
    if not callable(structure):
        return Sequential(structure, input_shape, data_format=data_format, **options)
    x = Input(input_shape, data_format=data_format)
    return Model(x, structure(x), **options)
