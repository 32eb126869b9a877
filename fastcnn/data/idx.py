"""IDX, the format of MNIST: big-endian sizes, then unsigned bytes; gzip or not.

magic: 0, 0, type (8 = unsigned byte), number of axes; then a 32-bit size per axis; then the data
"""

import math
from pathlib import Path

import numpy as np

from fastcnn.data.dataset import Dataset, ImageSet
from fastcnn.data.images import check_images, check_labels
from fastcnn.data.rawfile import RawFile, find_file, open_raw
from fastcnn.errors import DataError

UNSIGNED_BYTE = 0x08
OTHER_TYPES = {
    0x09: "signed byte",
    0x0B: "16-bit integer",
    0x0C: "32-bit integer",
    0x0D: "32-bit float",
    0x0E: "64-bit float",
}
MAX_AXES = 4

TRAIN_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST_FILES = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def read_idx(path: str | Path) -> np.ndarray:
    """An IDX file of unsigned bytes as a uint8 array of the shape in its header."""
    with open_raw(path) as file:
        shape = _read_shape(file)
        size = math.prod(shape)
        data = file.rest(size)
    if len(data) != size:
        raise DataError(
            f"{path}: truncated: {len(data):,} bytes of data, expected {size:,} ({_times(shape)})"
        )
    return data.reshape(shape)


def _read_shape(file: RawFile) -> tuple[int, ...]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise DataError(
            f"{file.path}: magic {magic.hex(' ') or 'missing'}; an IDX file has 00 00 08 n"
        )
    kind, axes = magic[2:]
    if kind != UNSIGNED_BYTE:
        found = OTHER_TYPES.get(kind, "unknown")
        raise DataError(
            f"{file.path}: IDX type 0x{kind:02x} ({found}); expected 0x08, unsigned byte"
        )
    if not 1 <= axes <= MAX_AXES:
        raise DataError(f"{file.path}: IDX of {axes} axes; expected 1 to {MAX_AXES}")
    sizes = file.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise DataError(f"{file.path}: truncated: the header ends after {4 + len(sizes)} bytes")
    shape = tuple(int(n) for n in np.frombuffer(sizes, ">u4"))
    if math.prod(shape) > file.limit:
        raise DataError(
            f"{file.path}: the header claims {_times(shape)} bytes; "
            f"a file of this size holds {file.limit:,} at most"
        )
    return shape


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def load_idx_folder(
    folder: str | Path, classes: tuple[str, ...] | None = None, name: str | None = None
) -> Dataset:
    """A folder with IDX files of MNIST's names; the `t10k` pair, the test set, may be absent.

    Images of 3 axes are grey (N, H, W), of 4 axes (N, H, W, C).
    Without `classes` they are named by their indices.
    """
    folder = Path(folder)
    train = _read_pair(folder, *TRAIN_FILES)
    if train is None:
        raise DataError(f"{folder}: no {' and '.join(TRAIN_FILES)} (gz or not)")
    test = _read_pair(folder, *TEST_FILES)
    if classes is None:
        top = max(int(labels.max()) for _, labels in filter(None, (train, test)))
        classes = tuple(map(str, range(top + 1)))
    name = name or folder.resolve().name
    train_set, test_set = (_image_set(pair, classes, name) for pair in (train, test))
    assert train_set is not None
    return Dataset(train_set, test_set, name)


def _read_pair(
    folder: Path, images_name: str, labels_name: str
) -> tuple[np.ndarray, np.ndarray] | None:
    images_path, labels_path = find_idx(folder, images_name), find_idx(folder, labels_name)
    if images_path is None and labels_path is None:
        return None
    if images_path is None or labels_path is None:
        there, missing = images_path or labels_path, labels_name if images_path else images_name
        raise DataError(f"{folder}: {there and there.name} without {missing}")
    images = check_images(read_idx(images_path), name=str(images_path))
    return images, check_labels(read_idx(labels_path), len(images), name=str(labels_path))


def find_idx(folder: Path, name: str) -> Path | None:
    """An IDX file by its canonical name, or with `.` before `idx` as some tools unpack it."""
    return find_file(folder, name, name.replace("-idx", ".idx"))


def _image_set(
    pair: tuple[np.ndarray, np.ndarray] | None, classes: tuple[str, ...], name: str
) -> ImageSet | None:
    return None if pair is None else ImageSet(*pair, classes, name)
