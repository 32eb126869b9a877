"""One door to all data: a name or a path in, a `Dataset` out."""

from collections.abc import Sequence
from pathlib import Path

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
from fastcnn.data.folder import load_folder
from fastcnn.data.idx import TRAIN_FILES, find_idx, load_idx_folder
from fastcnn.data.images import check_size, resize_images
from fastcnn.data.mnist import FASHION_MNIST, MNIST
from fastcnn.data.npz import load_npz
from fastcnn.data.rawfile import find_file
from fastcnn.data.splits import split
from fastcnn.errors import DataError, OptionError, unknown

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
) -> Dataset:
    """Load a named set, or a path: .npz, IDX or CIFAR files, or a folder per class.

    data_dir: where named sets are looked for before FASTCNN_DATA and the cache
    image_size: (height, width), or one number for both, that all images are resized to
    largest_side: what pictures of a folder are shrunk to at least, where no image_size is given
    test_fraction, seed: what is held out, stratified, where the source has no test set;
        0 holds nothing out
    download: whether a named set that is found nowhere is downloaded into the cache
    """
    if not 0 <= test_fraction < 1:
        raise OptionError(f"test fraction {test_fraction!r}; expected at least 0 and less than 1")
    size = check_size(image_size)
    name = str(name_or_path).replace("_", "-")
    if name == "digits":
        dataset = load_digits()
    elif name in SOURCES:
        dataset = SOURCES[name].load(data_dir, download)
    else:
        dataset = load_path(name_or_path, image_size=size, largest_side=largest_side)
    dataset = _resize(dataset, size)
    if dataset.test is None and test_fraction > 0:
        return Dataset(*split(dataset.train, test_fraction, seed), dataset.name)
    return dataset


def load_path(
    path: str | Path,
    *,
    image_size: tuple[int, int] | None = None,
    largest_side: int | None = None,
) -> Dataset:
    """Read whatever data lies there; `image_size` and `largest_side` count for pictures only."""
    text, path = str(path), Path(path).expanduser()
    if path.is_file():
        if path.suffix.lower() == ".npz":
            return load_npz(path)
        raise DataError(f"{path}: not a data set; expected an .npz file or a folder")
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
    return load_folder(path, image_size=image_size, largest_side=largest_side)


def _resize(dataset: Dataset, size: tuple[int, int] | None) -> Dataset:
    if size is None or dataset.image_shape[:2] == size:
        return dataset

    def resized(images: ImageSet) -> ImageSet:
        pixels = resize_images(images.images, size)
        return ImageSet(pixels, images.labels, images.classes, images.name)

    return Dataset(resized(dataset.train), dataset.test and resized(dataset.test), dataset.name)
