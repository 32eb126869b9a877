"""What a user means by --model, where a model is made."""

from fastcnn.commands.named_options import named_options
from fastcnn.plugins.registry import models
from fastcnn.training.model_config import ModelConfig, model_config


def model_argument(text: str) -> ModelConfig:
    """NAME, NAME:option=value,... or the path of a TOML file."""
    if text.lower().endswith(".toml"):
        return model_config(text)
    return model_config(named_options(text, "--model", models))
