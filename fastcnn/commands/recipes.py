"""Which recipe `fastcnn train` follows."""

from fastcnn.recipes import Recipe, load, names


def recipe_of_data(data: str, image_shape: tuple[int, int, int], model: str | None) -> Recipe:
    """The one named DATA-MODEL or DATA; for data of your own, by the size of the images (height,
    width, channels).

    model: what was asked for, if anything.
    """
    known = names()
    name = data.replace("_", "-")
    for wanted in (f"{name}-{model}", name):
        if wanted in known:
            return load(wanted)
    if min(image_shape[:2]) < 16:
        return load("digits")
    return load("mnist" if max(image_shape) <= 28 else "cifar10")


def recipe_list() -> list[tuple[str, str, str]]:
    """(name, data, what it is for) of every recipe that comes with fastcnn."""
    made = map(load, names())
    return [(recipe.name, recipe.data or "", recipe.description) for recipe in made]
