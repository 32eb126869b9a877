"""The images that are compared on, and how they are split."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fastcnn.compare.options import CompareOptions
from fastcnn.compare.run import Arrays
from fastcnn.compare.splits import (
    Split,
    check_sizes,
    cross_validation,
    held_out_test,
    largest_size,
    stratified_order,
)
from fastcnn.data.dataset import Dataset, ImageSet
from fastcnn.data.images import check_images, check_labels
from fastcnn.data.load import load_dataset
from fastcnn.errors import DataError

LARGEST_SIDE = 64  # of pictures in a folder, unless asked for, as in training


@dataclass(frozen=True, eq=False)
class Subject:
    """training: what is trained on (and tested on, in cross-validation); splits: of these."""

    dataset: Dataset
    training: ImageSet
    testing: ImageSet
    splits: list[Split]

    @property
    def arrays(self) -> Arrays:
        training, testing = self.training, self.testing
        return Arrays(training.images, training.labels, testing.images, testing.labels)


def subject(options: CompareOptions) -> Subject:
    dataset = _dataset(options)
    training = _limited(dataset.train, options)
    folds, seeds = options.fold_count, range(options.seed, options.seed + options.seeds)
    sizes, labels = options.sizes, training.labels
    if folds is None:
        testing = dataset.test or dataset.validation
        if testing is None:
            raise DataError(f"{dataset.name} has no test set: use folds")
        check_sizes(sizes or [], len(training), labels)
        splits = held_out_test(labels, len(testing), sizes, seeds)
        return Subject(dataset, training, testing, splits)
    check_sizes(sizes or [], largest_size(len(training), folds), labels)
    splits = cross_validation(labels, folds, sizes, seeds)
    return Subject(dataset, training, training, splits)


def _dataset(options: CompareOptions) -> Dataset:
    data = options.data
    if isinstance(data, Dataset):
        return data
    if isinstance(data, str | Path):
        size = options.image_size
        return load_dataset(
            data,
            options.data_dir,
            image_size=size,
            image_shape=options.image_shape,
            largest_side=LARGEST_SIDE,
            **options.pictures(),
        )
    images, labels = data
    return _from_arrays(images, labels)


def _from_arrays(images: Any, labels: Sequence[Any]) -> Dataset:
    """labels: of any kind; the classes are their sorted values."""
    pixels = check_images(np.asarray(images), "channels_last", name="images")
    classes, numbers = np.unique(np.asarray(labels), return_inverse=True)
    checked = check_labels(numbers, len(pixels))
    return Dataset(ImageSet(pixels, checked, tuple(map(str, classes)), "images"), None, "images")


def _limited(images: ImageSet, options: CompareOptions) -> ImageSet:
    """The same images for the same seed; each class in proportion."""
    count = options.images
    if count is None or count == len(images):
        return images
    check_sizes([count], len(images), images.labels)
    order = stratified_order(images.labels, (options.seed, 2**32))
    return images.take(np.sort(order[:count]))
