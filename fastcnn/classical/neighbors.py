"""KNeighborsClassifier: the training samples themselves."""

from typing import Any

import numpy as np

from fastcnn.classical.stored import Arrays, Stored, compact
from fastcnn.errors import ModelFileError


def collect(estimator: Any) -> Arrays:
    return {"samples": compact(estimator._fit_X), "labels": estimator._y.astype(np.int32)}


def restore(estimator: Any, stored: Stored) -> None:
    samples = stored.floats("samples", None, stored.features)
    labels = stored.integers("labels", len(samples), high=stored.classes)
    if len(np.unique(labels)) < stored.classes or len(samples) < estimator.n_neighbors:
        raise ModelFileError(
            f"{len(samples)} samples of {len(np.unique(labels))} classes; expected "
            f"{stored.classes} classes and at least {estimator.n_neighbors} samples"
        )
    estimator.fit(samples.astype(stored.dtype("samples")), labels)  # brute force: to fit is to keep
