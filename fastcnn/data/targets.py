"""Checks of targets, and the part of the data that is held out for validation."""

from typing import Any

import numpy as np

from fastcnn.data.images import check_labels
from fastcnn.errors import DataError, OptionError


def check_targets(y: Any, count: int, loss: Any, outputs: int, name: str, dtype: str) -> np.ndarray:
    """Targets as the loss takes them: class numbers (N,), or dense (N, outputs)."""
    array = np.asarray(y)
    if loss.targets == "labels":
        if array.ndim == 2 and array.shape[1] > 1:
            raise DataError(
                f"{name} targets have shape {array.shape}, but {loss.name} takes "
                "class numbers (N,): use categorical_crossentropy for one-hot or soft targets"
            )
        return check_labels(array, count, outputs, name=f"{name} labels")
    if array.ndim == 1 and loss.classifies and outputs > 1:
        labels = check_labels(array, count, outputs, name=f"{name} labels")
        array = np.eye(outputs)[labels]
    return _dense(array, count, outputs, name, dtype)


def _dense(array: np.ndarray, count: int, outputs: int, name: str, dtype: str) -> np.ndarray:
    array = array.reshape(len(array), -1) if array.ndim != 2 and len(array) else array
    if array.shape != (count, outputs):
        raise DataError(f"{name} targets have shape {array.shape}; expected ({count}, {outputs})")
    if array.dtype.kind not in "fiub":
        raise DataError(f"{name} targets are {array.dtype}; expected numbers")
    array = np.ascontiguousarray(array, dtype)
    if not np.isfinite(array).all():
        first = int((~np.isfinite(array)).any(axis=1).argmax())
        raise DataError(f"{name} targets[{first}] hold a value that is no finite number")
    return array


def hold_out(x: Any, y: Any, validation_data: Any, fraction: float) -> tuple[Any, Any, Any]:
    """(x, y, validation data): if asked, the last `fraction` of the samples is for validation."""
    if not fraction:
        return x, y, validation_data
    if validation_data is not None:
        raise OptionError("give validation_data or validation_split, not both")
    count = len(x) - int(len(x) * fraction)
    if not 0 < fraction < 1 or count in (0, len(x)):
        raise OptionError(f"validation_split {fraction} leaves no samples on one side of {len(x)}")
    return x[:count], y[:count], (x[count:], y[count:])
