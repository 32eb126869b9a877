"""Weights of samples in the loss: given ones, and those of their classes."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastcnn.engine.head import Head
from fastcnn.engine.layer import Shape
from fastcnn.engine.plan import Source
from fastcnn.errors import DataError, OptionError


def check_sample_weight(weights: Any, count: int, name: str, dtype: str) -> np.ndarray:
    """(N,): how often each sample counts; finite, not negative."""
    array = np.asarray(weights)
    if array.shape != (count,):
        raise DataError(f"{name} sample weights have shape {array.shape}; expected ({count},)")
    if array.dtype.kind not in "fiub":
        raise DataError(f"{name} sample weights are {array.dtype}; expected numbers")
    array = np.ascontiguousarray(array, dtype)
    wrong = ~(np.isfinite(array) & (array >= 0))
    if wrong.any():
        first = int(wrong.argmax())
        raise DataError(f"{name} sample weight [{first}] is {array[first]}; expected 0 or more")
    return array


def check_weights(
    weights: Sequence[Any], count: int, heads: Sequence[Head], what: str, dtype: str
) -> list[np.ndarray]:
    """`check_sample_weight` for each output of a model, or nothing if there are none."""
    names = [f"{what} {head.name!r}" if len(heads) > 1 else what for head in heads]
    pairs = zip(weights, names, strict=bool(weights))
    return [check_sample_weight(array, count, name, dtype) for array, name in pairs]


def with_classes(source: Source, class_weight: Any, output: Shape, dtype: str) -> list[np.ndarray]:
    """The weights of the samples times those of their classes; output: the shape of one output."""
    if len(source.targets) > 1:
        raise OptionError("class_weight is for models with one output: give sample_weight")
    weights = class_weights(source.targets[0], math.prod(output), class_weight)
    return [(weights * source.weights[0] if source.weights else weights).astype(dtype)]


def class_weights(targets: np.ndarray, outputs: int, class_weight: Any) -> np.ndarray:
    """(N,): the weight of each sample's class.

    targets: class numbers (N,), or (N, K), whose class is the largest; of one output, 1 above 0.5.
    class_weight: {class: weight}, others count once; "balanced": N / (classes * N of the class),
        over the classes that occur (as scikit-learn).
    """
    labels = _labels(targets)
    classes = max(2, outputs)
    if class_weight == "balanced":
        counts = np.bincount(labels, minlength=classes)
        weights = len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    elif isinstance(class_weight, dict):
        weights = _from_dict(class_weight, classes)
    else:
        raise OptionError(f'class_weight is "balanced" or a dict, not {class_weight!r}')
    return weights[labels]


def _labels(targets: np.ndarray) -> np.ndarray:
    if targets.ndim == 1:
        return targets
    if targets.shape[1] > 1:
        return targets.argmax(axis=1)
    return (targets[:, 0] > 0.5).astype(int)


def _from_dict(class_weight: dict, classes: int) -> np.ndarray:
    weights = np.ones(classes)
    for number, weight in class_weight.items():
        if isinstance(number, bool) or number not in range(classes):
            raise OptionError(f"class_weight has no class {number!r}: expected 0 to {classes - 1}")
        if not 0 <= weight < np.inf:
            raise OptionError(f"the weight of class {number} must be 0 or more, not {weight}")
        weights[number] = weight
    return weights
