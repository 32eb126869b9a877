"""What `fastcnn train` does with a data set if nothing else is asked for."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Recipe:
    model: str
    epochs: int
    batch_size: int = 32
    optimizer: str = "adam"
    learning_rate: Any = 0.001  # a number or a schedule
    weight_decay: float = 0.0


LARGEST_SIDE = 64  # of pictures in a folder, unless asked for: photographs would take days

RECIPES = {
    "digits": Recipe("digits_convnet", epochs=30, batch_size=64, learning_rate=0.002),
    "mnist": Recipe("mnist_convnet", epochs=8, batch_size=64),
    "fashion-mnist": Recipe("simple_convnet", epochs=8, batch_size=64),
    "cifar10": Recipe("keras_cifar", epochs=15, batch_size=64),
    "cifar100": Recipe("keras_cifar", epochs=15, batch_size=64),
}
# Chosen on a part of the training images; what they reach is in benchmarks/RESULTS.md.
OF_MODELS = {
    ("mnist", "simple_convnet"): Recipe(
        "simple_convnet",
        epochs=20,
        batch_size=100,
        learning_rate={"name": "one_cycle", "max_learning_rate": 0.004},
        weight_decay=0.3,
    ),
}


def recipe(data: str, image_shape: tuple[int, int, int], model: str | None = None) -> Recipe:
    """By name; for data of your own, by the size of the images (height, width, channels).

    model: what was asked for, if anything; some have a recipe of their own.
    """
    name = data.replace("_", "-")
    if (name, model) in OF_MODELS:
        return OF_MODELS[name, str(model)]
    if name in RECIPES:
        return RECIPES[name]
    if min(image_shape[:2]) < 16:
        return RECIPES["digits"]
    return RECIPES["mnist" if max(image_shape) <= 28 else "cifar10"]
