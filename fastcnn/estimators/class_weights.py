"""Weights of samples by their classes, for labels of any type."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastcnn.arguments import is_number
from fastcnn.errors import OptionError, told

BALANCED = "balanced"


def class_weights(class_weight: Any, y: np.ndarray, classes: Sequence[np.ndarray]) -> np.ndarray:
    """(n,): the weight of each sample's class; of several outputs, the product.

    class_weight: {class: weight}, others count once; "balanced": n / (classes * n of the class);
        for several outputs a list of these. y: (n,) or (n, outputs). classes: of each output.
    """
    columns = [y] if y.ndim == 1 else list(y.T)
    given = [class_weight] if y.ndim == 1 else class_weight
    if given == BALANCED:
        given = [BALANCED] * len(columns)
    if not isinstance(given, list | tuple) or len(given) != len(columns):
        raise OptionError(
            f'class_weight must be "balanced" or a list of {len(columns)} tables, one for each '
            f"output, not {told(class_weight)}"
        )
    parts = zip(given, columns, classes, strict=True)
    return np.prod([_of_column(*part) for part in parts], axis=0)


def _of_column(class_weight: Any, column: np.ndarray, classes: np.ndarray) -> np.ndarray:
    present, numbers, counts = np.unique(column, return_inverse=True, return_counts=True)
    if isinstance(class_weight, str) and class_weight == BALANCED:
        return (len(column) / (len(present) * counts))[numbers]
    if not isinstance(class_weight, dict):
        wanted = '"balanced" or a table {class: weight}'
        raise OptionError(f"class_weight must be {wanted}, not {told(class_weight)}")
    weights = _from_table(class_weight, classes)
    return np.array([weights.get(_plain(label), 1.0) for label in present])[numbers]


def _from_table(table: dict[Any, Any], classes: np.ndarray) -> dict[Any, float]:
    """Weights by label. A file has texts for keys: "3" means the class 3 unless one is "3"."""
    labels = {label: label for label in map(_plain, classes)}
    texts = {str(label): label for label in labels}
    found: dict[Any, float] = {}
    foreign = []
    for key, weight in table.items():
        if not is_number(weight) or weight < 0:
            raise OptionError(
                f"the weight of class {told(key)} must be 0 or more, not {told(weight)}"
            )
        label = labels.get(_plain(key), texts.get(str(key)))
        if label is None:
            foreign.append(key)
        else:
            found[label] = float(weight)
    if foreign and len(found) < len(labels):  # else y is a part, in which a class is missing
        raise OptionError(
            f"class_weight has no class {told(foreign[0])}: y has {told(list(labels), 200)}"
        )
    return found


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label
