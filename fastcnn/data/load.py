"""One door to all data: a name or a path in, a `Dataset` out."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastcnn.data.archive import SUFFIXES, is_archive
from fastcnn.data.cifar import (
    CIFAR10,
    CIFAR10_TRAIN,
    CIFAR100,
    CIFAR100_TRAIN,
    load_cifar10_folder,
    load_cifar100_folder,
)
from fastcnn.data.dataset import Dataset, ImageSet
from fastcnn.data.digits import load_digits
from fastcnn.data.folder import read_folder
from fastcnn.data.idx import TRAIN_FILES, find_idx, load_idx_folder
from fastcnn.data.mnist import FASHION_MNIST, MNIST
from fastcnn.data.npz import load_npz
from fastcnn.data.rawfile import find_file
from fastcnn.data.resizing import check_size, resize_images
from fastcnn.data.splits import split
from fastcnn.errors import DataError, DataWarning, OptionError, unknown

SOURCES = {source.name: source for source in (MNIST, FASHION_MNIST, CIFAR10, CIFAR100)}
NAMES = ("digits", *SOURCES)


def load_dataset(
    name_or_path: str | Path,
    data_dir: str | Path | None = None,
    *,
    image_size: int | Sequence[int] | None = None,
    largest_side: int | None = None,
    test_fraction: float = 0.2,
    seed: int = 0,
    download: bool = True,
    named: bool = False,
    **pictures: Any,
) -> Dataset:
    """Load a named set, or a path: .npz, IDX or CIFAR files, a folder per class or its archive.

    data_dir: where named sets are looked for before FASTCNN_DATA and the cache
    image_size: (height, width), or one number for both, that all images are resized to
    largest_side: what pictures of a folder are shrunk to at least, where no image_size is given
    test_fraction, seed: what is held out, stratified, where the source has neither a test set nor
        a validation set; 0 holds nothing out
    download: whether a named set that is found nowhere is downloaded into the cache
    named: the names of built-in sets mean these, even if there is a file or folder of that name
    pictures: of `read_folder`: background, bits, max_pixels, skip_damaged
    """
    if not 0 <= test_fraction < 1:
        raise OptionError(f"test fraction {test_fraction!r}; expected at least 0 and less than 1")
    size = check_size(image_size)
    name = built_in(name_or_path, named)
    if name == "digits":
        dataset = load_digits()
    elif name is not None:
        dataset = SOURCES[name].load(data_dir, download)
    else:
        path = Path(name_or_path).expanduser()
        dataset = load_path(path, image_size=size, largest_side=largest_side, **pictures)
    dataset = _resize(dataset, size).tell()
    if dataset.test is None and dataset.validation is None and test_fraction > 0:
        train, test = split(dataset.train, test_fraction, seed)
        return replace(dataset, train=train, test=test)
    return dataset


def built_in(name_or_path: str | Path, named: bool = False) -> str | None:
    """The name of a built-in set, or None for a path; what exists at a path goes before.

    named: the path isn't looked at
    """
    name = str(name_or_path).replace("_", "-")
    if name not in NAMES:
        return None
    if named or not Path(name_or_path).exists():
        return name
    warnings.warn(
        f"{name_or_path}: what lies here is read, not the built-in data set {name}",
        DataWarning,
        stacklevel=3,
    )
    return None


def load_path(
    path: str | Path,
    *,
    image_size: tuple[int, int] | None = None,
    largest_side: int | None = None,
    **pictures: Any,
) -> Dataset:
    """Read whatever data lies there; `image_size` and all else count for pictures only."""
    text, path = str(path), Path(path).expanduser()
    if path.is_file():
        if path.suffix.lower() == ".npz":
            return load_npz(path)
        if is_archive(path):
            return read_folder(path, image_size=image_size, largest_side=largest_side, **pictures)
        raise DataError(
            f"{path}: not a data set; expected a folder, an .npz file or an archive of a folder "
            f"({', '.join(SUFFIXES)})"
        )
    if not path.is_dir():
        if path.name == text and not path.suffix:
            raise unknown("data set", text, NAMES)
        raise DataError(f"{path}: no such file or folder")
    if find_idx(path, TRAIN_FILES[0]):
        return load_idx_folder(path)
    if find_file(path, CIFAR10_TRAIN[0]):
        return load_cifar10_folder(path, path.resolve().name)
    if find_file(path, CIFAR100_TRAIN[0]):
        return load_cifar100_folder(path, path.resolve().name)
    return read_folder(path, image_size=image_size, largest_side=largest_side, **pictures)


def _resize(dataset: Dataset, size: tuple[int, int] | None) -> Dataset:
    if size is None or dataset.image_shape[:2] == size:
        return dataset

    def resized(images: ImageSet) -> ImageSet:
        pixels = resize_images(images.images, size)
        return ImageSet(pixels, images.labels, images.classes, images.name)

    return dataset.map(resized)
