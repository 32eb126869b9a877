"""CIFAR-10 and CIFAR-100, binary version: 50,000 + 10,000 RGB images of 32x32.

A record is its label bytes, then 1,024 bytes each of red, green and blue, row by row.
Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images,
https://www.cs.toronto.edu/~kriz/cifar.html
"""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from fastcnn.data.dataset import Dataset, ImageSet
from fastcnn.data.download import Remote
from fastcnn.data.rawfile import find_file, open_raw
from fastcnn.data.source import Source
from fastcnn.errors import DataError

SIDE = 32
PIXELS = 3 * SIDE * SIDE
MIRRORS = ("https://www.cs.toronto.edu/~kriz/",)

_CIFAR10_NAMES = "airplane automobile bird cat deer dog frog horse ship truck"
CIFAR10_CLASSES = tuple(_CIFAR10_NAMES.split())
CIFAR10_TRAIN = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
CIFAR10_TEST = "test_batch.bin"

_CIFAR100_NAMES = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus
butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch
crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo
keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse
mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy
porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper
snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television
tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""
CIFAR100_CLASSES = tuple(_CIFAR100_NAMES.split())
CIFAR100_TRAIN = ("train.bin",)
CIFAR100_TEST = "test.bin"
COARSE_CLASSES = 20


PICKLES = (  # names of the python version's files, by data set
    ("CIFAR-10", {"data_batch_1", "data_batch_2", "test_batch", "batches.meta"}, 2, "cifar10"),
    ("CIFAR-100", {"train", "test", "meta"}, 3, "cifar100"),
)


def refuse_pickles(place: str | Path, names: Collection[str]) -> None:
    """An error if these are the names of files of the python version, which are never read."""
    there = {name.rpartition("/")[2] for name in names}
    for title, known, needed, name in PICKLES:
        if len(there & known) >= needed:
            raise DataError(
                f"{place} is {title}'s python version: pickles, which can run any code and are "
                f"never read; take the binary version from {MIRRORS[0]}cifar.html, or --data {name}"
            )


def read_cifar10(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """One batch file, gz or not: uint8 (n, 32, 32, 3), int64 (n,); n is 10,000 at most."""
    records = _read_records(path, label_bytes=1, most=10_000)
    _check_range(path, records[:, 0], len(CIFAR10_CLASSES), "label")
    return _pixels(records[:, 1:]), records[:, 0].astype(np.int64)


def read_cifar100(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """`train.bin` or `test.bin`, gz or not; the labels are the 100 fine ones."""
    records = _read_records(path, label_bytes=2, most=50_000)
    _check_range(path, records[:, 0], COARSE_CLASSES, "coarse label")
    _check_range(path, records[:, 1], len(CIFAR100_CLASSES), "fine label")
    return _pixels(records[:, 2:]), records[:, 1].astype(np.int64)


def _read_records(path: str | Path, label_bytes: int, most: int) -> np.ndarray:
    size = label_bytes + PIXELS
    with open_raw(path) as file:
        data = file.rest(most * size)
    if len(data) == 0 or len(data) % size:
        raise DataError(f"{path}: {len(data):,} bytes; expected whole records of {size:,} bytes")
    return data.reshape(-1, size)


def _check_range(path: str | Path, labels: np.ndarray, classes: int, what: str) -> None:
    if labels.max() >= classes:
        first = int((labels >= classes).argmax())
        raise DataError(
            f"{path}: {what} {labels[first]} in record {first}; expected 0 to {classes - 1}"
        )


def _pixels(records: np.ndarray) -> np.ndarray:
    planes = records.reshape(-1, 3, SIDE, SIDE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1))


def load_cifar10_folder(folder: str | Path, name: str = "cifar10") -> Dataset:
    """The six files of CIFAR-10's binary version in one folder."""
    train = [read_cifar10(_path(folder, file)) for file in CIFAR10_TRAIN]
    test = read_cifar10(_path(folder, CIFAR10_TEST))
    images, labels = (np.concatenate(parts) for parts in zip(*train, strict=True))
    return _dataset((images, labels), test, CIFAR10_CLASSES, name)


def load_cifar100_folder(folder: str | Path, name: str = "cifar100") -> Dataset:
    """`train.bin` and `test.bin` of CIFAR-100's binary version in one folder."""
    train = read_cifar100(_path(folder, CIFAR100_TRAIN[0]))
    test = read_cifar100(_path(folder, CIFAR100_TEST))
    return _dataset(train, test, CIFAR100_CLASSES, name)


def _path(folder: str | Path, name: str) -> Path:
    path = find_file(Path(folder), name)
    if path is None:
        raise DataError(f"{folder}: no {name} (gz or not)")
    return path


def _dataset(
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    classes: tuple[str, ...],
    name: str,
) -> Dataset:
    return Dataset(ImageSet(*train, classes, name), ImageSet(*test, classes, name), name)


CIFAR10 = Source(
    name="cifar10",
    folders=("cifar10", "cifar10/cifar-10-batches-bin", "cifar-10-batches-bin"),
    files=(*CIFAR10_TRAIN, CIFAR10_TEST),
    remotes=(
        Remote(
            "cifar-10-binary.tar.gz",
            MIRRORS,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        ),
    ),
    read=load_cifar10_folder,
    members={f"cifar-10-batches-bin/{f}": 30_730_000 for f in (*CIFAR10_TRAIN, CIFAR10_TEST)},
)
CIFAR100 = Source(
    name="cifar100",
    folders=("cifar100", "cifar100/cifar-100-binary", "cifar-100-binary"),
    files=(*CIFAR100_TRAIN, CIFAR100_TEST),
    remotes=(
        Remote(
            "cifar-100-binary.tar.gz",
            MIRRORS,
            "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
        ),
    ),
    read=load_cifar100_folder,
    members={"cifar-100-binary/train.bin": 153_700_000, "cifar-100-binary/test.bin": 30_740_000},
)


def load_cifar10(data_dir: str | Path | None = None, *, download: bool = True) -> Dataset:
    """CIFAR-10: uint8 (50000, 32, 32, 3) and (10000, 32, 32, 3), RGB, 10 classes."""
    return CIFAR10.load(data_dir, download)


def load_cifar100(data_dir: str | Path | None = None, *, download: bool = True) -> Dataset:
    """CIFAR-100: uint8 (50000, 32, 32, 3) and (10000, 32, 32, 3), RGB, 100 classes."""
    return CIFAR100.load(data_dir, download)
