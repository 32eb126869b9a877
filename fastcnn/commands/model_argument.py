"""What a user means by --model, where a model is made."""

from pathlib import Path
from typing import Any

from fastcnn.commands.named_options import named_options
from fastcnn.data.known_formats import foreign_model
from fastcnn.errors import ModelFileError, OptionError, unknown
from fastcnn.plugins.registry import baselines, models
from fastcnn.training.checked import read_toml
from fastcnn.training.model_config import ModelConfig, model_config


def model_argument(text: str) -> ModelConfig:
    """NAME, NAME:option=value,... or the path of a TOML file; of a network."""
    if baseline_argument(text) is not None:
        raise OptionError(f"{text} is a baseline: it has no layers and no learning rate")
    if text.lower().endswith(".toml"):
        return model_config(text)
    name = text.partition(":")[0]
    if name not in [*models.names(), *models.aliases]:
        if Path(text).is_file():
            what = foreign_model(Path(text)) or f"{text} holds a model that is made already"
            raise OptionError(f"{what}; expected the name of a model, or a file that ends in .toml")
        raise unknown("model", name, [*models.names(), *baselines.names()])
    return model_config(named_options(text, "--model", models))


def baseline_argument(text: str) -> dict[str, Any] | None:
    """{"name": ..., option: ...} if that means a baseline: by name, or a file's [baseline]."""
    if text.lower().endswith(".toml"):
        return _baseline_of_file(Path(text))
    if text.partition(":")[0] not in [*baselines.names(), *baselines.aliases]:
        return None
    return named_options(text, "--model", baselines)


def _baseline_of_file(path: Path) -> dict[str, Any] | None:
    try:
        document = read_toml(path)
    except ModelFileError:
        return None  # whoever reads it as a network says what is wrong
    table = document.get("baseline")
    if table is None:
        return None
    if not isinstance(table, dict) or not isinstance(table.get("name"), str) or len(document) > 1:
        raise OptionError(f'{path}: expected one table, [baseline] with name = "hog_svm" or so')
    return table
