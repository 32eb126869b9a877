"""`fastcnn predict`: what is on these pictures."""

import csv
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fastcnn.commands.class_names import class_names
from fastcnn.commands.find_model import find_classifier, run_arguments
from fastcnn.commands.picture_arguments import picture_options
from fastcnn.commands.views import views_option
from fastcnn.data.archive import is_archive
from fastcnn.data.csv_file import SUFFIXES as TABLES
from fastcnn.data.folder import list_tree, why_no_picture
from fastcnn.data.known_formats import format_of
from fastcnn.data.look import describe_tree
from fastcnn.data.picture_options import PictureOptions
from fastcnn.data.picture_set import (
    PictureBatches,
    PictureFile,
    counted,
    first_names,
    reason_texts,
)
from fastcnn.data.rawfile import near_name
from fastcnn.errors import DataError, DataWarning
from fastcnn.text import csv_cell
from fastcnn.training.model_file import write_text

BATCH = 256  # pictures in memory at a time


def predict(
    path: str,
    files: Sequence[str],
    top: int = 3,
    threads: int | None = None,
    backend: str | None = None,
    views: str | None = None,
    **pictures: Any,
) -> list[dict[str, Any]]:
    """For each picture the `top` most probable classes, best first.

    files: pictures, and folders and archives of them
    views: by default those of the recipe that the model was trained by; pictures: how they are
        read, by default as in training, if the run's record lies beside the model.

    Baselines without probabilities give each class a "score" in place of a "probability".
    """
    model = find_classifier(path, threads, backend)
    height, width, channels = model.input_shape
    arguments = run_arguments(path)
    found = _find(files)
    read = PictureBatches(
        *(found.files, (height, width), channels, _picture_options(arguments, pictures), BATCH)
    )
    options = views_option(views, arguments, model)
    classes = class_names(model)
    figure = "probability" if getattr(model, "has_probabilities", True) else "score"
    results = []
    for names, images in read:
        for name, row in zip(names, model.predict(images, **options), strict=True):
            results.append({"image": name, "classes": _best(row, classes, top, figure)})
    _tell(read, found.left_out, arguments)
    return results


@dataclass
class _Found:
    """Files to look at; left_out: {other file of a folder: why}."""

    files: list[PictureFile] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def _find(paths: Sequence[str]) -> _Found:
    """Files as they are given; of folders and archives all pictures, by their content."""
    found = _Found()
    for path in paths:
        if not path or not Path(path).exists():
            raise DataError(f"{path}: no such file or folder{near_name(Path(path))}")
        if not Path(path).is_dir() and not is_archive(Path(path)):
            _check_kind(Path(path))
            found.files.append(PictureFile.of(path))
            continue
        before = len(found.files)
        tree = list_tree(Path(path))
        for entry in tree.entries:
            name = str(Path(path, *entry.parts))
            reason = why_no_picture(entry)
            if reason is None:
                found.files.append(PictureFile(name, entry.read))
            else:
                found.left_out[name] = reason
        if len(found.files) == before:
            raise DataError(f"{path}: no pictures; {describe_tree(tree)}")
    return found


def _check_kind(path: Path) -> None:
    """Tables, arrays, models: no pictures that are damaged, but no pictures at all."""
    found = format_of(path)
    table = path.name.lower().endswith(TABLES)
    if table or (found is not None and found.kind in ("data", "model", "archive")):
        what = "a table" if table else found and found.text
        raise DataError(
            f"{path} is {what}; expected pictures, or folders and archives of them (arrays and "
            "tables in Python: load_model(...).predict(images))"
        )


def _picture_options(arguments: dict[str, Any] | None, given: dict[str, Any]) -> PictureOptions:
    """Those of the run, but what is damaged here is left out only if that is asked for here."""
    options = picture_options(arguments, **given)
    options |= {"skip_damaged": bool(given.get("skip_damaged")), "bits": options["bits"] or 16}
    return PictureOptions.of(**options)


def _tell(read: PictureBatches, others: dict[str, str], arguments: dict[str, Any] | None) -> None:
    """What is left out or not as it seems, as DataWarnings."""
    lost = {**others, **read.damaged, **read.left_out}
    texts = [f"left out {text}" for text in reason_texts(lost)]
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


def predict_csv(results: list[dict[str, Any]]) -> str:
    """A line for each picture: image, class, probability, and those of the next classes."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    first = results[0]["classes"]
    numbers = ["", *(f"_{k}" for k in range(2, len(first) + 1))]
    writer.writerow(["image", *(f"{name}{k}" for k in numbers for name in first[0])])
    for result in results:
        cells = [value for row in result["classes"] for value in row.values()]
        writer.writerow([csv_cell(value) for value in (result["image"], *cells)])
    return file.getvalue()


def write_csv(results: list[dict[str, Any]], path: str) -> None:
    write_text(Path(path), predict_csv(results))
