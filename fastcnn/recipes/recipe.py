"""Recipes: a model, its optimizer, loss and callbacks, and what `fit` and `evaluate` are given.

    data = "cifar10"        # a name or a path
    epochs = 10
    batch_size = 1024
    augment = [{ name = "flip", alternate = true }, "cutout"]
    augment_fill = "reflect"
    validate = false        # do not measure the held-out images after each epoch
    views = { flip = true } # of the test images
    model = "resnet20"      # by name, a table, or [[layers]] as in a model file
    [optimizer]             # and loss, callbacks: as in a model file, see training/model_config.py
    name = "sgd"

Only epochs, batch_size and the model are needed. docs/recipes.md explains each line.
"""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from fastcnn.arguments import checked
from fastcnn.engine.augmenter import Augment
from fastcnn.engine.options import positive
from fastcnn.engine.views import Views
from fastcnn.errors import FastcnnError, OptionError, unknown
from fastcnn.model import Model
from fastcnn.models import build
from fastcnn.training.checked import read_toml
from fastcnn.training.history import History
from fastcnn.training.model_config import (
    DEFAULT_LOSS,
    KEYS,
    ModelConfig,
    config_of_document,
)
from fastcnn.training.normalisation import normalise_inputs

OWN_KEYS = (
    *("description", "data", "model", "epochs", "batch_size", "validate"),
    *("augment", "augment_fill", "views"),
)


@dataclass(frozen=True)
class Recipe:
    """What a recipe's file says, checked.

    config: the model with its loss, optimizer and callbacks, each None or empty if not said.
    augment: tables of augmentations; views: a table of options of Views, or None.
    """

    name: str
    config: ModelConfig
    epochs: int
    batch_size: int
    description: str = ""
    data: str | None = None
    augment: tuple[Any, ...] = ()
    augment_fill: str = "reflect"
    validate: bool = True
    views: dict[str, Any] | None = None

    def build(
        self,
        input_shape: tuple[int, int, int] | None = None,
        classes: int | None = None,
        **options: Any,
    ) -> Model:
        """The compiled model; arguments as of `fastcnn.models.build`.

        input_shape: of the images (height, width, channels); default what a model by name was made
            for, for [[layers]] 28x28x1; classes: default 10.
        """
        model = build(self.config, input_shape, classes, **options)
        model.compile(self.config.optimizer or "adam", self.config.loss or DEFAULT_LOSS)
        return model

    def fit(self, model: Model, images: np.ndarray, labels: np.ndarray, **options: Any) -> History:
        """`model.fit` with the recipe's settings, which options override.

        The channels of the images get mean 0 and deviation 1, unless model.preprocessing is set
        or the model's first layer scales pixels itself.
        """
        normalise_inputs(model, images)
        settings = {
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "augment": Augment(self.augment, self.augment_fill) if self.augment else None,
            "callbacks": self.config.callbacks,
        }
        return model.fit(images, labels, **{**settings, **options})


def names() -> list[str]:
    """Recipes that come with fastcnn."""
    folder = files("fastcnn.recipes").iterdir()
    return sorted(Path(f.name).stem for f in folder if f.name.endswith(".toml"))


@checked
def load(recipe: str | Path) -> Recipe:
    """One that comes with fastcnn, by name, or the TOML file of that path."""
    path = Path(recipe).expanduser()
    if path.suffix.lower() != ".toml":
        name = str(recipe).replace("_", "-")
        known = {known.replace("_", "-"): known for known in names()}
        if name not in known:
            raise unknown("recipe", str(recipe), [*names(), "FILE.toml"])
        path = Path(str(files("fastcnn.recipes") / f"{known[name]}.toml"))
    return read_recipe(path)


def read_recipe(path: Path) -> Recipe:
    """What is wrong in it is an error that names the file."""
    document = read_toml(path)
    for key in document:
        if key not in (*OWN_KEYS, *KEYS):
            raise OptionError(f"{path}: {unknown('key', key, sorted({*OWN_KEYS, *KEYS}))}")
    own = {key: document.pop(key) for key in OWN_KEYS if key in document}
    config = config_of_document(path, document, own.pop("model", None))
    try:
        return Recipe(name=path.stem, config=config, **_checked(own))
    except (FastcnnError, TypeError, ValueError) as error:
        raise OptionError(f"{path}: {error}") from error


def _checked(own: dict[str, Any]) -> dict[str, Any]:
    for key in ("epochs", "batch_size"):
        if key not in own:
            raise OptionError(f"a recipe needs {key}, e.g. {key} = 10")
        positive(key, own[key])
    kinds: dict[str, tuple[type, str]] = {
        "description": (str, "a text"),
        "data": (str, "a name or a path"),
        "validate": (bool, "true or false"),
        "augment": (list, "a list of names or tables"),
        "augment_fill": (str, "a name"),
    }
    for key, (kind, what) in kinds.items():
        if key in own and not isinstance(own[key], kind):
            raise OptionError(f"{key} must be {what}, not {own[key]!r}")
    augment = own.get("augment", [])
    Augment(augment, own.get("augment_fill", "reflect"))
    if own.get("views") is not None:
        Views.of(own["views"])
    return own | {"augment": tuple(augment)}
