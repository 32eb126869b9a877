"""What `fastcnn train` does unless told otherwise."""

import pytest

from fastcnn.commands.recipes import OF_MODELS, RECIPES, recipe
from fastcnn.plugins.registry import make, models, optimizers

ALL = {**RECIPES, **{"-".join(key): made for key, made in OF_MODELS.items()}}


@pytest.mark.parametrize("name", ALL)
def test_every_recipe_can_be_made(name):
    made = ALL[name]
    assert made.model in models.names()
    assert min(made.epochs, made.batch_size) >= 1
    options = {"learning_rate": made.learning_rate, "weight_decay": made.weight_decay}
    assert make(optimizers, {"name": made.optimizer, **options}).weight_decay == made.weight_decay


@pytest.mark.parametrize(
    ("data", "shape", "model", "expected"),
    [
        ("mnist", (28, 28, 1), None, RECIPES["mnist"]),
        ("mnist", (28, 28, 1), "lenet5", RECIPES["mnist"]),
        ("mnist", (28, 28, 1), "simple_convnet", OF_MODELS["mnist", "simple_convnet"]),
        ("fashion_mnist", (28, 28, 1), "simple_convnet", RECIPES["fashion-mnist"]),
        ("own.npz", (8, 8, 3), None, RECIPES["digits"]),
        ("own.npz", (20, 28, 1), None, RECIPES["mnist"]),
        ("own.npz", (32, 32, 3), "simple_convnet", RECIPES["cifar10"]),
    ],
)
def test_recipes_by_name_model_and_size(data, shape, model, expected):
    assert recipe(data, shape, model) is expected
