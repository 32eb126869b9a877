"""Names of classes in what is printed, and data whose classes are written otherwise."""

from typing import TYPE_CHECKING

import numpy as np

from fastcnn.data.dataset import Dataset, ImageSet
from fastcnn.errors import DataError

if TYPE_CHECKING:
    from fastcnn.commands.find_model import Found


def class_names(model: "Found") -> tuple[str, ...]:
    """Those of the model, or the numbers of its outputs."""
    if has_names(model):
        return tuple(map(str, model.classes))
    return tuple(map(str, range(model.output_size)))


def has_names(model: "Found") -> bool:
    """Whether there is one for each output."""
    return len(model.classes) == model.output_size


def with_classes_of(model: "Found", dataset: Dataset) -> Dataset:
    """The data set with the model's class numbers and names.

    Classes are matched by name; data that only have numbers for the classes of a model with names
    mean its outputs. For a model without names, numbers mean outputs, and names their order.
    """
    names = class_names(model)
    if dataset.classes == names:
        return dataset
    index = _indices(dataset, names, named=has_names(model))

    def renamed(images: ImageSet) -> ImageSet:
        return ImageSet(images.images, index[images.labels], names, images.name)

    return dataset.map(renamed)


def _indices(dataset: Dataset, names: tuple[str, ...], named: bool) -> np.ndarray:
    """The model's number of each class of the data."""
    place = {name: k for k, name in enumerate(names)}
    if all(name in place for name in dataset.classes):
        return np.array([place[name] for name in dataset.classes])
    numbered = all(name.isdecimal() for name in dataset.classes)
    if numbered and not all(name.isdecimal() for name in names):
        numbers = [int(name) for name in dataset.classes]
        if max(numbers) < len(names):
            return np.array(numbers)
    if not named and len(dataset.classes) == len(names):
        return np.arange(len(names))
    different = sorted(set(names) ^ set(dataset.classes))
    raise DataError(
        f"{dataset.name} has other classes than the model ({len(dataset.classes)} and "
        f"{len(names)}; different: {', '.join(different[:5])})"
    )
