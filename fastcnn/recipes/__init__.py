"""How nets are trained, as TOML files; those in this folder come with fastcnn.

recipe = recipes.load("cifar10-94")
model = recipe.build()
model.fit(images, labels, **recipe.fit_options())
"""

from fastcnn.recipes.recipe import Recipe, load, names

__all__ = ["Recipe", "load", "names"]
