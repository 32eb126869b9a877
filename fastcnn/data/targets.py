"""Checks of targets, and the part of the data that is held out for validation."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastcnn.data.images import check_labels
from fastcnn.engine.head import Head
from fastcnn.errors import DataError, OptionError


def check_outputs(
    ys: Sequence[Any], count: int, heads: Sequence[Head], data_format: str, what: str, dtype: str
) -> list[np.ndarray]:
    """`check_targets` for each output of a model; images (N, H, W, C) become channels first."""
    checked = []
    for y, head in zip(ys, heads, strict=True):
        shape = head.node.shape
        if data_format == "channels_last" and len(shape) > 1 and np.ndim(y) == len(shape) + 1:
            y = np.moveaxis(np.asarray(y), -1, 1)
        name = f"{what} {head.name!r}" if len(heads) > 1 else what
        checked.append(check_targets(y, count, head.loss, math.prod(shape), name, dtype))
    return checked


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


Arrays = list[Any]


def hold_out(parts: Sequence[Arrays], fraction: float) -> tuple[list[Arrays], list[Arrays] | None]:
    """(parts, held out ones): if asked, the last `fraction` of the samples is for validation.

    parts: lists of arrays, e.g. of inputs, targets and weights; the first is not empty.
    """
    if not fraction:
        return list(parts), None
    samples = len(parts[0][0])
    count = samples - int(samples * fraction)
    if not 0 < fraction < 1 or count in (0, samples):
        raise OptionError(f"validation_split {fraction} leaves no samples on one side of {samples}")
    kept = [[array[:count] for array in arrays] for arrays in parts]
    return kept, [[array[count:] for array in arrays] for arrays in parts]
