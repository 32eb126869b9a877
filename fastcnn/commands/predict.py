"""`fastcnn predict`: what is on these pictures."""

from typing import Any

import numpy as np

from fastcnn.commands.find_model import find_classifier, run_arguments
from fastcnn.commands.views import views_option
from fastcnn.data.images import read_images


def predict(
    path: str,
    pictures: list[str],
    top: int = 3,
    threads: int | None = None,
    backend: str | None = None,
    views: str | None = None,
) -> list[dict[str, Any]]:
    """For each picture the `top` most probable classes, best first.

    views: by default those of the recipe that the model was trained by.

    Baselines without probabilities give each class a "score" in place of a "probability".
    """
    model = find_classifier(path, threads, backend)
    height, width, channels = model.input_shape
    images = read_images(pictures, (height, width), channels)
    options = views_option(views, run_arguments(path), model)
    classes = model.classes or tuple(map(str, range(model.output_size)))
    figure = "probability" if getattr(model, "has_probabilities", True) else "score"
    return [
        {"image": picture, "classes": _best(row, classes, top, figure)}
        for picture, row in zip(pictures, model.predict(images, **options), strict=True)
    ]


def _best(row: np.ndarray, classes: tuple[str, ...], top: int, figure: str) -> list[dict[str, Any]]:
    order = np.argsort(-row, kind="stable")[:top]
    return [{"class": classes[k], figure: float(row[k])} for k in order]
