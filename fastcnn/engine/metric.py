"""What a metric is: a figure of all targets and outputs of a data set."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastcnn.errors import DataError, OptionError, told
from fastcnn.plugins.registry import make, metrics


class Metric(ABC):
    """Base of all metrics; anything that can be called alike will do.

    y_true: class numbers (N,) for losses that take these, otherwise targets (N, K).
    y_pred: outputs (N, K), as the model's last layer gives them: logits stay logits.
    """

    registered_name: str = ""
    scalar = True  # otherwise a list, which `evaluate` gives and a history leaves out

    @abstractmethod
    def __call__(self, y_true: np.ndarray, y_pred: np.ndarray) -> Any: ...


class RegressionMetric(Metric):
    """Base of metrics that compare numbers with numbers."""

    def __call__(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        if y_true.ndim == 1 and y_pred.shape[1] == 1:
            y_true = y_true[:, None]
        if y_true.shape != y_pred.shape:
            raise DataError(
                f"{self.registered_name} compares targets with outputs of the same shape, "
                f"not {y_true.shape} with {y_pred.shape}"
            )
        return float(self.measure(y_true, y_pred))

    @abstractmethod
    def measure(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        """Of two (N, K)."""


def as_classes(
    y_true: np.ndarray, y_pred: np.ndarray, threshold: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """True and predicted class numbers (N,), or marks (N, K) if samples may have several classes.

    One output says yes (1) above the threshold. Of several, the largest says the class; but if
    targets are marks 0 and 1, and not one in each row, every output says yes or no.
    """
    if y_pred.shape[1] == 1:
        return (y_true.reshape(-1) > 0.5).astype(int), (y_pred[:, 0] > threshold).astype(int)
    if y_true.ndim == 1:
        return y_true, y_pred.argmax(axis=1)
    if ((y_true == 0) | (y_true == 1)).all() and (y_true.sum(axis=1) != 1).any():
        return y_true.astype(int), (y_pred > threshold).astype(int)
    return y_true.argmax(axis=1), y_pred.argmax(axis=1)


def make_metrics(values: Any) -> dict[str, Any]:
    """{name: metric} from names, {"name": ..., option: ...}, objects and plain functions.

    The name is the one that was given, as in Keras; of objects, the registered or function's name.
    """
    if isinstance(values, str | dict) or callable(values):
        values = [values]
    if not isinstance(values, Sequence | None):
        raise OptionError(f"metrics must be a list, not {told(values)}")
    made: dict[str, Any] = {}
    for value in values or ():
        metric = value if callable(value) else make(metrics, value)
        name = _name(value, metric)
        if name in made:
            raise OptionError(f"two metrics are named {name!r}")
        made[name] = metric
    return made


def _name(value: Any, metric: Any) -> str:
    if isinstance(value, str | dict):
        return value if isinstance(value, str) else value["name"]
    names = (getattr(metric, key, "") for key in ("registered_name", "__name__"))
    return next(filter(None, names), type(metric).__name__)
