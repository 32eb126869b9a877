"""Which module keeps which classifier of scikit-learn as arrays.

A file names a registered baseline, and that makes the classifier; so a file can't choose a class.
"""

from importlib import import_module
from typing import Any

from fastcnn.classical.stored import Arrays, Stored
from fastcnn.errors import OptionError

KEEPERS = {
    "HistGradientBoostingClassifier": "gradient_boosting",
    "KNeighborsClassifier": "neighbors",
    "LinearSVC": "linear",
    "LogisticRegression": "linear",
    "MLPClassifier": "mlp",
    "SVC": "svc",
    "StandardScaler": "scaler",
}


def collect(step: Any) -> Arrays:
    """The arrays of a fitted step of a pipeline, of scikit-learn or with `to_arrays`."""
    return step.to_arrays() if hasattr(step, "to_arrays") else _keeper(step).collect(step)


def restore(step: Any, stored: Stored) -> None:
    """Make the step what it was when its arrays were collected."""
    if hasattr(step, "from_arrays"):
        step.from_arrays(stored)
    else:
        _keeper(step).restore(step, stored)
        step.n_features_in_ = stored.features


def _keeper(step: Any) -> Any:
    name, package = type(step).__name__, type(step).__module__.partition(".")[0]
    if package != "sklearn" or name not in KEEPERS:
        raise OptionError(
            f"nothing keeps {type(step).__module__}.{name} in a file: give it to_arrays() and "
            f"from_arrays(stored), or use one of {', '.join(KEEPERS)}"
        )
    return import_module(f"fastcnn.classical.{KEEPERS[name]}")
