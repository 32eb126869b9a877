"""IDX, the format of MNIST: big-endian sizes, then the data; gzip or not.

magic: 0, 0, type (8 = unsigned byte), number of axes; then a 32-bit size per axis; then the data
names: SET-train-images-idx3-ubyte and SET-train-labels-idx1-ubyte, those of a test set with t10k
    or test; SET is missing for MNIST, Fashion-MNIST and KMNIST, "qmnist", "emnist-letters", ...
"""

import math
import re
from pathlib import Path

import numpy as np

from fastcnn.data.classes import dataset_of
from fastcnn.data.dataset import Dataset, ImageSet
from fastcnn.data.images import check_images, check_labels
from fastcnn.data.parts import TEST, TRAIN
from fastcnn.data.rawfile import RawFile, list_files, open_raw
from fastcnn.errors import DataError

TYPES: dict[int, np.dtype] = {0x08: np.dtype(np.uint8), 0x0C: np.dtype(">i4")}
OTHER_TYPES = {
    0x09: "signed byte",
    0x0B: "16-bit integer",
    0x0D: "32-bit float",
    0x0E: "64-bit float",
}
MAX_AXES = 4
QMNIST_COLUMNS = 8  # of its labels: the class, then who wrote the digit, where it comes from, ...

TRAIN_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST_FILES = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
NAME = re.compile(
    r"(?:(?P<set>.+)-)?(?P<part>train|t10k|test)-(?P<kind>images|labels)[-.]idx\d-(ubyte|int)(\.gz)?",
    re.IGNORECASE,
)
PARTS = {"train": TRAIN, "t10k": TEST, "test": TEST}
Files = dict[tuple[str, str], Path]  # by part, and "images" or "labels"


def read_idx(path: str | Path) -> np.ndarray:
    """An IDX file as an array of the shape in its header: uint8, or int64 of 32-bit integers."""
    with open_raw(path) as file:
        dtype, shape = _read_shape(file)
        size = math.prod(shape) * dtype.itemsize
        data = file.rest(size)
    if len(data) != size:
        raise DataError(
            f"{path}: truncated: {len(data):,} bytes of data, expected {size:,} "
            f"({_times(shape, dtype)})"
        )
    array = data.view(dtype).reshape(shape)
    return array if dtype == np.uint8 else array.astype(np.int64)


def _read_shape(file: RawFile) -> tuple[np.dtype, tuple[int, ...]]:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise DataError(
            f"{file.path}: magic {magic.hex(' ') or 'missing'}; an IDX file has 00 00 08 n"
        )
    kind, axes = magic[2:]
    if kind not in TYPES:
        found = OTHER_TYPES.get(kind, "unknown")
        raise DataError(
            f"{file.path}: IDX type 0x{kind:02x} ({found}); expected 0x08, unsigned byte, "
            "or 0x0c, 32-bit integer"
        )
    if not 1 <= axes <= MAX_AXES:
        raise DataError(f"{file.path}: IDX of {axes} axes; expected 1 to {MAX_AXES}")
    sizes = file.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise DataError(f"{file.path}: truncated: the header ends after {4 + len(sizes)} bytes")
    shape = tuple(int(n) for n in np.frombuffer(sizes, ">u4"))
    if math.prod(shape) * TYPES[kind].itemsize > file.limit:
        raise DataError(
            f"{file.path}: the header claims {_times(shape, TYPES[kind])} bytes; "
            f"a file of this size holds {file.limit:,} at most"
        )
    return TYPES[kind], shape


def _times(shape: tuple[int, ...], dtype: np.dtype) -> str:
    return " x ".join(map(str, shape if dtype.itemsize == 1 else (*shape, dtype.itemsize)))


def load_idx_folder(
    folder: str | Path, classes: tuple[str, ...] | None = None, name: str | None = None
) -> Dataset:
    """A folder with the IDX files of one set; the pair of the test set may be absent.

    Images of 3 axes are grey (N, H, W), of 4 axes (N, H, W, C).
    Without `classes` they are named by the labels that occur.
    """
    folder = Path(folder)
    sets = {key: files for key, files in find_sets(folder).items() if (TRAIN, "images") in files}
    if not sets:
        raise DataError(f"{folder}: no {' and '.join(TRAIN_FILES)} (gz or not)")
    if len(sets) > 1:
        first = sorted(files[TRAIN, "images"].name for files in sets.values())[0]
        raise DataError(
            f"{folder} holds {len(sets)} sets ({', '.join(sorted(sets))}): "
            f"name the training images of one, e.g. {folder / first}"
        )
    ((key, files),) = sets.items()
    return _load_set(key, files, classes, name or key or folder.resolve().name)


def load_idx_file(path: str | Path) -> Dataset:
    """The set that an IDX file with such a name belongs to; the others lie beside it."""
    path = Path(path)
    match = NAME.fullmatch(path.name)
    if match is None:
        raise DataError(f"{path}: an IDX file by another name than {', '.join(TRAIN_FILES)}")
    key = (match["set"] or "").lower()
    return _load_set(key, find_sets(path.parent)[key], None, key or path.resolve().parent.name)


def is_idx(path: Path) -> bool:
    """By its name, or by its first bytes."""
    if NAME.fullmatch(path.name):
        return True
    try:
        with open_raw(path) as file:
            start = file.read(4)
    except DataError:
        return False
    return (
        start[:2] == b"\0\0" and len(start) == 4 and start[2] in TYPES and 0 < start[3] <= MAX_AXES
    )


def find_sets(folder: Path) -> dict[str, Files]:
    """The IDX files of each set in the folder, by its name; "" is that of MNIST's own names."""
    found: dict[str, Files] = {}
    for path in list_files(folder):  # a plain file comes before its .gz
        if match := NAME.fullmatch(path.name):
            key = PARTS[match["part"].lower()], match["kind"].lower()
            found.setdefault((match["set"] or "").lower(), {}).setdefault(key, path)
    return found


def _load_set(key: str, files: Files, classes: tuple[str, ...] | None, name: str) -> Dataset:
    there = {part for part, _ in files}
    if TRAIN not in there:
        raise DataError(f"{next(iter(files.values()))}: no training images beside it")
    parts = {part: _read_pair(files, part) for part in (TRAIN, TEST) if part in there}
    notes = []
    if key.startswith("emnist"):
        parts = {part: (_upright(images), labels) for part, (images, labels) in parts.items()}
        notes = ["EMNIST's files hold images on their side: turned upright"]
    if classes is None:
        return dataset_of(name, parts, notes=notes)
    sets = {part: ImageSet(*pair, classes, name) for part, pair in parts.items()}
    return Dataset(sets[TRAIN], sets.get(TEST), name)


def _read_pair(files: Files, part: str) -> tuple[np.ndarray, np.ndarray]:
    for kind, other in (("images", "labels"), ("labels", "images")):
        if (part, kind) not in files:
            there = files[part, other]
            missing = there.name.replace(other, kind).removesuffix(".gz")
            missing = missing.replace(*("idx3", "idx1") if kind == "labels" else ("idx1", "idx3"))
            raise DataError(f"{there.parent}: {there.name} without {missing}")
    images_path, labels_path = files[part, "images"], files[part, "labels"]
    images = check_images(read_idx(images_path), name=str(images_path))
    labels = read_idx(labels_path)
    if labels.ndim == 2 and labels.shape[1] == QMNIST_COLUMNS:
        labels = labels[:, 0]
    return images, check_labels(labels, len(images), name=str(labels_path))


def _upright(images: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(images.transpose(0, 2, 1, 3))
