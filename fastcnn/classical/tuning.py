"""Settings compared within the training images."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastcnn.data.splits import split_indices
from fastcnn.engine.options import positive
from fastcnn.errors import OptionError

FEWEST = 30  # images, of which differences between settings would be chance


@dataclass(frozen=True)
class Tuning:
    """What to try, on how many images at most, in how many folds, with which seed."""

    grid: dict[str, list[Any]]
    size: int
    folds: int
    seed: int

    def __post_init__(self) -> None:
        positive("tuning_size", self.size)
        if positive("tuning_folds", self.folds) < 2:
            raise OptionError("tuning_folds must be at least 2, not 1")


def tune(
    classifier: Any, settings: Tuning, features: np.ndarray, codes: np.ndarray, jobs: int
) -> dict[str, Any]:
    """{"chosen": {parameter: value}, "images", "folds", "accuracy": of these, "tried": [...]}.

    codes: class numbers from 0. Of equally good settings the first one wins.
    """
    sample = _sample(codes, settings)
    folds = min(settings.folds, int(np.bincount(codes[sample]).min()))
    chosen: dict[str, Any] = {key: values[0] for key, values in settings.grid.items()}
    if (
        len(sample) < FEWEST
        or folds < 2
        or all(len(values) < 2 for values in settings.grid.values())
    ):
        return {"chosen": chosen, "images": 0, "folds": 0, "accuracy": None, "tried": []}
    search = _search(classifier, settings, folds, jobs, features[sample], codes[sample])
    accuracies = search.cv_results_["mean_test_score"].tolist()
    pairs = zip(search.cv_results_["params"], accuracies, strict=True)
    return {
        "chosen": dict(search.best_params_),
        "images": len(sample),
        "folds": folds,
        "accuracy": float(search.best_score_),
        "tried": [{"settings": dict(tried), "accuracy": accuracy} for tried, accuracy in pairs],
    }


def _sample(codes: np.ndarray, settings: Tuning) -> np.ndarray:
    if len(codes) <= settings.size:
        return np.arange(len(codes))
    return split_indices(codes, settings.size / len(codes), settings.seed)[1]


def _search(
    classifier: Any,
    settings: Tuning,
    folds: int,
    jobs: int,
    features: np.ndarray,
    codes: np.ndarray,
) -> Any:
    from joblib import parallel_config
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    splits = StratifiedKFold(folds, shuffle=True, random_state=settings.seed)
    search = GridSearchCV(classifier, settings.grid, cv=splits, refit=False, error_score="raise")
    with warnings.catch_warnings(), parallel_config(backend="threading", n_jobs=jobs):
        warnings.simplefilter("ignore", ConvergenceWarning)  # it counts for the last fit only
        return search.fit(features, codes)
