"""Recipes in Python: what they make, and that the same is made as by the command line."""

import numpy as np
import pytest

from fastcnn import recipes
from fastcnn.data.load import NAMES
from fastcnn.errors import OptionError
from fastcnn.models import outline
from fastcnn.plugins.registry import make, optimizers

SHAPES = {"digits": (8, 8, 1), "mnist": (28, 28, 1), "fashion-mnist": (28, 28, 1)}
SMALL = """
epochs = 3
batch_size = 8
augment = ["flip"]
model = { name = "simple_convnet" }
"""


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_can_be_made(name):
    recipe = recipes.load(name)
    shape = SHAPES.get(recipe.data, (32, 32, 3))
    assert recipe.data in NAMES and recipe.description
    assert outline(recipe.config, shape, 10).count_params() > 0
    assert (
        make(optimizers, recipe.config.optimizer).registered_name == recipe.config.optimizer["name"]
    )


def test_a_recipe_trains_in_python(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    recipe = recipes.load(path)
    assert recipe.name == "small" and recipe.validate and recipe.views is None
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (24, 12, 12, 1), dtype=np.uint8), np.arange(24) % 4
    model = recipe.build((12, 12, 1), 4, seed=1)
    history = recipe.fit(model, images, labels, verbose=0)
    assert history.epoch == [0, 1, 2] and model.optimizer.registered_name == "adam"
    recipe.fit(model, images, labels, verbose=0, epochs=1)
    assert model.history.epoch == [0, 1, 2, 3]
    assert model.evaluate(images, labels, views=recipe.views)["loss"] > 0


def test_cifar10_94_is_the_net_of_the_paper():
    recipe = recipes.load("cifar10-94")
    model = recipe.build((32, 32, 3), seed=3)
    assert model.count_params() == 1_973_920 + 24
    weights = model.get_weights()
    assert np.isnan(weights["patch_whitening/kernel"]).all()  # until fit has seen data
    second = weights["conv2d_2/kernel"]
    np.testing.assert_array_equal(second[:64, :, 1, 1], np.eye(64))
    penalties = model.optimizer.penalties(model.store)
    factors = dict(zip(model.store.trainable, penalties[:, 3], strict=True))
    assert factors["patch_whitening/bias"] == factors["batch_normalization/beta"] == 64
    assert factors["conv2d/kernel"] == factors["dense/kernel"] == 1


@pytest.mark.parametrize("key", ["epochs", "batch_size", "model"])
def test_what_is_missing(tmp_path, key):
    path = tmp_path / "bad.toml"
    lines = [line for line in SMALL.splitlines() if not line.startswith(key)]
    path.write_text("\n".join(lines))
    with pytest.raises(
        OptionError, match=rf"bad.toml: (a recipe needs {key}|expected one or more)"
    ):
        recipes.load(path)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("model = 3", "model must be a name or a table with a name, not 3"),
        ("model = { depth = 3 }", "model must be a name or a table"),
        ("model = 'lenet7'", "unknown model 'lenet7'"),
        ("model = 'lenet5'\n[[layers]]\ntype = 'flatten'", "give model or layers, not both"),
    ],
)
def test_wrong_models(tmp_path, model, message):
    path = tmp_path / "bad.toml"
    path.write_text(SMALL.replace('model = { name = "simple_convnet" }', model))
    with pytest.raises(OptionError, match=f"bad.toml: {message}"):
        recipes.load(path)
