"""`fastcnn evaluate`: how good a model is on a data set, class by class."""

from pathlib import Path
from typing import Any

import numpy as np

from fastcnn.commands.class_names import with_classes_of
from fastcnn.commands.find_model import find_classifier, run_arguments
from fastcnn.commands.named_options import named_list
from fastcnn.commands.picture_arguments import picture_options
from fastcnn.commands.views import views_option
from fastcnn.data.dataset import Dataset, ImageSet
from fastcnn.data.load import load_dataset
from fastcnn.errors import DataError, OptionError
from fastcnn.plugins.registry import metrics as metric_registry


def evaluate(
    path: str,
    data: str | None = None,
    data_dir: str | None = None,
    part: str | None = None,
    threads: int | None = None,
    metrics: str | None = None,
    backend: str | None = None,
    views: str | None = None,
    image_shape: tuple[int, ...] | None = None,
    **pictures: Any,
) -> dict[str, Any]:
    """Loss, accuracy, metrics, and accuracy of each class.

    part: by default the test set, or the validation set if there is none;
    image_shape: of the pixels in a line of a CSV file; pictures: how they are read; both by default
        as in training;
    data: by default what the model was trained on; metrics: besides those it was trained with;
    views: by default those of the recipe it was trained by.
    """
    model = find_classifier(path, threads, backend)
    arguments = run_arguments(path) or {}
    options = picture_options(arguments, **pictures)
    data, named = (arguments.get("data"), True) if data is None else (data, False)
    if data is None:
        raise OptionError(f"no run.json beside {path} that tells its data: give --data")
    if named and Path(data).is_absolute() and not Path(data).exists():
        raise DataError(f"{data}, the data of the run, is not there: if it moved, give --data PATH")
    height, width, _ = model.input_shape
    dataset = load_dataset(
        data,
        data_dir or arguments.get("data_dir"),
        image_size=(height, width),
        image_shape=image_shape or arguments.get("image_shape"),
        named=named,
        **options,
    )
    part = part or ("validation" if dataset.test is None and dataset.validation else "test")
    dataset = with_classes_of(model, dataset)
    if metrics:
        model.add_metrics(named_list(metrics, "--metrics", metric_registry))
    images, labels = _part(dataset, part)
    seen = views_option(views, arguments, model)
    logs = model.evaluate(images, labels, **seen)
    return {
        "data": dataset.name,
        "part": part,
        "images": len(images),
        "backend": model.backend,
        **seen,
        **logs,
        "classes": _by_class(model.predict(images, **seen), labels, dataset.classes),
    }


def _part(dataset: Dataset, part: str) -> tuple[np.ndarray, np.ndarray]:
    sets: dict[str, list[ImageSet | None]] = {
        "test": [dataset.test],
        "validation": [dataset.validation],
        "train": [dataset.train],
        "all": [dataset.train, dataset.validation, dataset.test],
    }
    chosen = [images for images in sets[part] if images is not None]
    if not chosen:
        raise DataError(f"{dataset.name} has no {part} set; try --part train")
    return (
        np.concatenate([s.images for s in chosen]),
        np.concatenate([s.labels for s in chosen]),
    )


def _by_class(
    outputs: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]
) -> dict[str, dict[str, float | None]]:
    correct = outputs.argmax(axis=1) == labels
    counts = np.bincount(labels, minlength=len(classes))
    hits = np.bincount(labels, weights=correct, minlength=len(classes))
    return {
        name: {"images": int(count), "accuracy": float(hit / count) if count else None}
        for name, count, hit in zip(classes, counts, hits, strict=True)
    }
