"""`fastcnn predict`: what is on these pictures."""

import warnings
from typing import Any

import numpy as np

from fastcnn.commands.find_model import find_classifier, run_arguments
from fastcnn.commands.picture_arguments import picture_options
from fastcnn.commands.views import views_option
from fastcnn.data.picture_options import PictureOptions
from fastcnn.data.picture_set import Pictures, counted, first_names, read_named, reason_texts
from fastcnn.errors import DataWarning


def predict(
    path: str,
    files: list[str],
    top: int = 3,
    threads: int | None = None,
    backend: str | None = None,
    views: str | None = None,
    **pictures: Any,
) -> list[dict[str, Any]]:
    """For each picture the `top` most probable classes, best first.

    views: by default those of the recipe that the model was trained by; pictures: how they are
        read, by default as in training, if the run's record lies beside the model.

    Baselines without probabilities give each class a "score" in place of a "probability".
    """
    model = find_classifier(path, threads, backend)
    height, width, channels = model.input_shape
    arguments = run_arguments(path)
    read = read_named(files, (height, width), channels, _picture_options(arguments, pictures))
    _tell(read, arguments)
    options = views_option(views, arguments, model)
    classes = model.classes or tuple(map(str, range(model.output_size)))
    figure = "probability" if getattr(model, "has_probabilities", True) else "score"
    return [
        {"image": files[k], "classes": _best(row, classes, top, figure)}
        for k, row in zip(read.used, model.predict(read.images, **options), strict=True)
    ]


def _picture_options(arguments: dict[str, Any] | None, given: dict[str, Any]) -> PictureOptions:
    """Those of the run, but what is damaged here is left out only if that is asked for here."""
    options = picture_options(arguments, **given)
    options |= {"skip_damaged": bool(given.get("skip_damaged")), "bits": options["bits"] or 16}
    return PictureOptions.of(**options)


def _tell(read: Pictures, arguments: dict[str, Any] | None) -> None:
    """What is not as it seems, as DataWarnings."""
    texts = [f"left out {text}" for text in reason_texts({**read.damaged, **read.left_out})]
    texts += [f"{counted(n)}: {note} ({first_names(n)})" for note, n in read.notes.items()]
    if read.bits is not None and not (arguments or {}).get("bits"):
        texts.append(
            "16-bit pictures, while no run.json beside the model tells of such: 65,535 is "
            "taken for white"
        )
    for text in texts:
        warnings.warn(text, DataWarning, stacklevel=3)


def _best(row: np.ndarray, classes: tuple[str, ...], top: int, figure: str) -> list[dict[str, Any]]:
    order = np.argsort(-row, kind="stable")[:top]
    return [{"class": classes[k], figure: float(row[k])} for k in order]
