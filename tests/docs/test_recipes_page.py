"""docs/recipes.md: its code runs, and it explains every key."""

import re
from pathlib import Path

import numpy as np

from fastcnn import recipes
from fastcnn.recipes.recipe import OWN_KEYS
from fastcnn.training.model_config import KEYS

PAGE = Path(__file__).parents[2] / "docs" / "recipes.md"
TEXT = PAGE.read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_the_recipe_to_copy(tmp_path):
    (text,) = blocks("toml")
    (tmp_path / "my-recipe.toml").write_text(text)
    recipe = recipes.load(tmp_path / "my-recipe.toml")
    assert (recipe.name, recipe.config.name, recipe.epochs) == ("my-recipe", "resnet20", 20)


def test_python():
    (code,) = blocks("python")
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (8, 32, 32, 3), dtype=np.uint8), np.arange(8)
    data = {"images": images, "test_images": images, "labels": labels, "test_labels": labels}
    names = {"__name__": "page", **data}
    exec(code.replace("images, labels)", "images, labels, epochs=1, verbose=0)", 1), names)
    assert names["model"].progress.epoch == 1


def test_every_key_is_in_the_table():
    rows = re.findall(r"^\| (`[^|]+)\|", TEXT, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", "".join(rows))) == {*OWN_KEYS, *KEYS}


def test_the_fast_recipes_are_explained():
    for name in ("cifar10-94", "mnist-99"):
        assert f"## {name}, line by line" in TEXT
