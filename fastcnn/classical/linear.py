"""LinearSVC and LogisticRegression: scores = x coef^T + intercept."""

from typing import Any

import numpy as np

from fastcnn.classical.stored import Arrays, Stored


def collect(estimator: Any) -> Arrays:
    return {"coef": estimator.coef_, "intercept": np.atleast_1d(estimator.intercept_)}


def restore(estimator: Any, stored: Stored) -> None:
    rows = 1 if stored.classes == 2 else stored.classes
    estimator.coef_ = stored.floats("coef", rows, stored.features).astype(stored.dtype("coef"))
    estimator.intercept_ = stored.floats("intercept", rows).astype(stored.dtype("intercept"))
    estimator.classes_ = np.arange(stored.classes)
