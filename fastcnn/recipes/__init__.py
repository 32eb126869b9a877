"""How nets are trained, as TOML files; those in this folder come with fastcnn. `load("cifar10-94")`
reads one, its `build()` makes the model, its `fit(model, images, labels)` trains it."""

from fastcnn.recipes.recipe import Recipe, load, names

__all__ = ["Recipe", "load", "names"]
