"""Which class a label means: one rule for all formats.

The classes are the values that occur, in ascending order, in any part of the data; so labels that
start at 1 or have gaps leave no output without images. A class is named by its value, unless the
data have names: those of 0, 1, ..., or of the values that occur, one for each.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from fastcnn.data.dataset import Dataset, ImageSet
from fastcnn.data.images import MAX_CLASSES, check_labels
from fastcnn.data.parts import TEST, TRAIN, VALIDATION
from fastcnn.errors import DataError

Pair = tuple[np.ndarray, np.ndarray]  # images and their labels


def dataset_of(
    name: str,
    parts: Mapping[str, Pair],
    names: Sequence[str] | None = None,
    notes: Sequence[str] = (),
) -> Dataset:
    """A data set from checked images with labels as they came, of each part.

    labels: whole numbers from 0, or text; names: of the classes
    """
    wanted = [part for part in (TRAIN, VALIDATION, TEST) if part in parts]
    labels, classes = number_classes([parts[part][1] for part in wanted], names, name)
    sets = {
        part: ImageSet(parts[part][0], numbers, classes, name)
        for part, numbers in zip(wanted, labels, strict=True)
    }
    said = (*notes, *_without_images(sets, classes))
    return Dataset(sets[TRAIN], sets.get(TEST), name, said, validation=sets.get(VALIDATION))


def number_classes(
    parts: Sequence[np.ndarray], names: Sequence[str] | None, what: str
) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """(the index of its class for each label, of each part; the names of the classes)."""
    if len({labels.dtype.kind == "U" for labels in parts}) > 1:
        raise DataError(f"{what}: labels are text in one part and numbers in another")
    values = np.unique(np.concatenate(parts))
    if len(values) > MAX_CLASSES:
        raise DataError(
            f"{what}: {len(values):,} different labels; expected {MAX_CLASSES:,} at most"
        )
    if names is None:
        classes = values
    elif values.dtype.kind == "U":
        classes = _named(values, np.array(names, str), what)
    elif values[-1] < len(names):
        values = classes = np.arange(len(names))
    elif len(names) != len(values):
        raise DataError(
            f"{what}: {len(names)} class names for {len(values)} labels, "
            f"from {values[0]} to {values[-1]}"
        )
    else:
        classes = values
    order = np.argsort(classes, kind="stable")
    found = [order[np.searchsorted(classes, labels, sorter=order)] for labels in parts]
    numbered = [np.ascontiguousarray(numbers, np.int64) for numbers in found]
    return numbered, tuple(names if names is not None else map(str, values.tolist()))


def check_class_labels(labels: np.ndarray, count: int, name: str) -> np.ndarray:
    """Labels as `dataset_of` takes them: int64 or text (count,)."""
    if labels.dtype.kind != "U":
        return check_labels(labels, count, name=name)
    if labels.shape not in ((count,), (count, 1)):
        raise DataError(f"{name} have shape {labels.shape}; expected ({count},), one per image")
    return labels.reshape(count)


def _named(values: np.ndarray, names: np.ndarray, what: str) -> np.ndarray:
    unknown = np.setdiff1d(values, names)
    if len(unknown):
        raise DataError(f"{what}: label {str(unknown[0])!r} is not among the class names")
    return names


def _without_images(sets: Mapping[str, ImageSet], classes: tuple[str, ...]) -> list[str]:
    """A note on classes that training never sees."""
    counts = np.bincount(sets[TRAIN].labels, minlength=len(classes))
    missing = [classes[k] for k in np.flatnonzero(counts == 0)]
    if not missing:
        return []
    shown = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
    return [f"no training images of {_count(len(missing), 'class', 'classes')}: {shown}"]


def _count(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"
