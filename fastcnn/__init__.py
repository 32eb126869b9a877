"""fastcnn trains convolutional networks on CPUs. The names below are imported at first use."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastcnn import (
        activations,
        augmentations,
        baselines,
        callbacks,
        constraints,
        datasets,
        features,
        initializers,
        layers,
        losses,
        metrics,
        models,
        optimizers,
        recipes,
        regularizers,
        schedules,
    )
    from fastcnn.classical.classifier import BaselineClassifier
    from fastcnn.classical.saving import load_baseline
    from fastcnn.compare.compare_models import compare_models
    from fastcnn.engine.preprocessing import Preprocessing
    from fastcnn.engine.symbolic import Input
    from fastcnn.estimators import CNNClassifier, CNNRegressor
    from fastcnn.model import Model
    from fastcnn.saving import load_model
    from fastcnn.sequential import Sequential

__version__ = "0.1.0"

_MODULES = (
    "activations",
    "augmentations",
    "baselines",
    "callbacks",
    "constraints",
    "datasets",
    "features",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "recipes",
    "regularizers",
    "schedules",
)
_NAMES = {
    "BaselineClassifier": "classical.classifier",
    "CNNClassifier": "estimators",
    "CNNRegressor": "estimators",
    "Input": "engine.symbolic",
    "Model": "model",
    "Preprocessing": "engine.preprocessing",
    "Sequential": "sequential",
    "compare_models": "compare.compare_models",
    "load_baseline": "classical.saving",
    "load_model": "saving",
}
__all__ = [
    "BaselineClassifier",
    "CNNClassifier",
    "CNNRegressor",
    "Input",
    "Model",
    "Preprocessing",
    "Sequential",
    "activations",
    "augmentations",
    "baselines",
    "callbacks",
    "compare_models",
    "constraints",
    "datasets",
    "features",
    "initializers",
    "layers",
    "load_baseline",
    "load_model",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "recipes",
    "regularizers",
    "schedules",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"fastcnn.{name}")
    if name in _NAMES:
        return getattr(import_module(f"fastcnn.{_NAMES[name]}"), name)
    raise AttributeError(f"module 'fastcnn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
