"""NumPy's .npz, read with distrust: no pickle, and no memory taken on a header's word."""

import math
import re
import warnings
import zipfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from fastcnn.data.classes import check_class_labels, dataset_of
from fastcnn.data.dataset import Dataset
from fastcnn.data.images import check_images
from fastcnn.data.parts import TRAIN, part_named
from fastcnn.data.rawfile import DEFLATE_LIMIT, list_files
from fastcnn.errors import DataError

IMAGE_WORDS = ("x", "images", "image", "imgs", "img", "data", "pixels")
LABEL_WORDS = ("y", "labels", "label", "targets", "target")
NAMES_KEYS = ("class_names", "classes", "label_names", "target_names", "names")
UNNAMED = ("arr_0", "arr_1")  # what np.savez calls images and labels that are given without names
MOST_CHANNELS = 4  # with more, the images may be volumes
FORMS = (
    "x_train, y_train (and x_val, y_val, x_test, y_test), train_images, train_labels, ..., "
    "or x, y or images, labels"
)
PAIR = re.compile(r"(?P<set>.+)[-_](?P<part>[a-z]+)[-_](?P<kind>imgs|images|labels)\.npz", re.I)
Keys = dict[str, tuple[str, str]]  # of images and labels, by part


def load_npz(path: str | Path, *, data_format: str | None = None) -> Dataset:
    """`npz_dataset`, and a DataWarning for each note."""
    return npz_dataset(path, data_format=data_format).tell()


def npz_dataset(path: str | Path, *, data_format: str | None = None) -> Dataset:
    """An .npz with images and labels, perhaps of several parts, by their usual names.

    names: x or images, y or labels, alone or with train, val or test before or behind:
        x_train, y_train, x_test, y_test (Keras); train_images, train_labels, val_images, ...
        (MedMNIST); arr_0, arr_1. Or two files, kmnist-train-imgs.npz and kmnist-train-labels.npz,
        each with one array, and perhaps the same of a test set.
    images: (N, H, W), (N, H, W, C) or (N, C, H, W), uint8, or other numbers as they are
    labels: whole numbers from 0 or text, (N,) or (N, 1); class_names or classes may name them
    data_format: without it, 1 or 3 on the second axis and not on the last means channels first
    """
    path = Path(path)
    if match := PAIR.fullmatch(path.name):
        return _load_pairs(path.parent, match["set"], data_format)
    names = array_names(path)
    keys = _find_keys(path, names)
    used = {key for pair in keys.values() for key in pair}
    arrays = read_npz(path, used, text=[labels for _, labels in keys.values()])
    parts = {
        part: check_pair(arrays[x], arrays[y], f"{path}: {x}", f"{path}: {y}", data_format)
        for part, (x, y) in keys.items()
    }
    class_key, class_names = _class_names(path, names)
    left = sorted(set(names) - used - {class_key})
    notes = [f"arrays of {path.name} left out: {', '.join(left)}"] if left else []
    shape = parts[TRAIN][0].shape
    if shape[3] > MOST_CHANNELS:
        size = "x".join(map(str, shape[1:3]))
        notes.append(f"{keys[TRAIN][0]} are read as images {size} of {shape[3]:,} channels")
    return dataset_of(path.stem, parts, class_names, notes)


def _find_keys(path: Path, names: Sequence[str]) -> Keys:
    """The keys of images and labels of each part."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for name in names:
        words = re.split(r"[_\-. ]", name.lower())
        parts = [part for word in words if (part := part_named(word))]
        rest = [word for word in words if not part_named(word)]
        if len(rest) == 1 and len(parts) < 2 and rest[0] in IMAGE_WORDS + LABEL_WORDS:
            sides = found.setdefault(parts[0] if parts else "", ([], []))
            sides[rest[0] in LABEL_WORDS].append(name)
    if not found and set(UNNAMED) <= set(names):
        found = {"": ([UNNAMED[0]], [UNNAMED[1]])}
    if TRAIN in found:
        found.pop("", None)
    elif "" in found:
        found[TRAIN] = found.pop("")
    keys = {part: _one_pair(path, names, *sides) for part, sides in found.items()}
    if TRAIN not in keys:
        there = ", ".join(sorted(names)) or "nothing"
        raise DataError(f"{path}: expected the arrays {FORMS}; found {there}")
    return keys


def _one_pair(
    path: Path, names: Sequence[str], images: list[str], labels: list[str]
) -> tuple[str, str]:
    """Of several, those whose words come first in the lists above."""
    if not images or not labels:
        alone, missing = (images or labels)[0], "labels" if images else "images"
        there = ", ".join(sorted(names))
        raise DataError(
            f"{path}: {alone} without {missing}; expected the arrays {FORMS}; found {there}"
        )
    return _first(images, IMAGE_WORDS), _first(labels, LABEL_WORDS)


def _first(names: list[str], words: Sequence[str]) -> str:
    ranks = {word: rank for rank, word in enumerate(words)}

    def rank(name: str) -> int:
        return min(ranks.get(word, len(ranks)) for word in re.split(r"[_\-. ]", name.lower()))

    return min(names, key=rank)


def check_pair(
    images: np.ndarray, labels: np.ndarray, x_name: str, y_name: str, data_format: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Images as (N, H, W, C), and as many labels."""
    images = check_images(images, data_format or _guess(images), name=x_name)
    return images, check_class_labels(labels, len(images), y_name)


def _class_names(path: Path, names: Sequence[str]) -> tuple[str | None, list[str] | None]:
    """(the key of the class names, these); nothing if there is no such list of text."""
    for key in NAMES_KEYS:
        if key in names and array_kind(path, key) == "U":
            found = read_npz(path, [key], text=[key])[key]
            if found.ndim == 1:
                return key, found.tolist()
    return None, None


def _load_pairs(folder: Path, name: str, data_format: str | None) -> Dataset:
    """Files of one array each: NAME-train-imgs.npz, NAME-train-labels.npz, NAME-test-..."""
    files = pair_files(folder).get(name, {})
    parts = {}
    for part in dict.fromkeys(part for part, _ in files):
        if missing := {"images", "labels"} - {kind for p, kind in files if p == part}:
            raise DataError(f"{folder}: no {name}-{part}-{missing.pop()}.npz (or -imgs.npz)")
        paths = files[part, "images"], files[part, "labels"]
        images, labels = (_only_array(path, text=path is paths[1]) for path in paths)
        parts[part] = check_pair(images, labels, str(paths[0]), str(paths[1]), data_format)
    if TRAIN not in parts:
        raise DataError(f"{folder}: {name} has no training images; expected {name}-train-imgs.npz")
    return dataset_of(name, parts)


def pair_files(folder: Path) -> dict[str, dict[tuple[str, str], Path]]:
    """{set: {(part, "images" or "labels"): file}} of the folder's files that hold one array."""
    found: dict[str, dict[tuple[str, str], Path]] = {}
    for path in list_files(folder):
        match = PAIR.fullmatch(path.name)
        part = match and part_named(match["part"])
        if match and part:
            kind = "labels" if match["kind"].lower() == "labels" else "images"
            found.setdefault(match["set"], {})[part, kind] = path
    return found


def _only_array(path: Path, text: bool) -> np.ndarray:
    names = array_names(path)
    if len(names) != 1:
        raise DataError(f"{path}: expected one array; found {', '.join(names) or 'none'}")
    return read_npz(path, set(names), text=set(names) if text else set())[names[0]]


def _guess(images: np.ndarray) -> str:
    first = images.ndim == 4 and images.shape[1] in (1, 3) and images.shape[3] not in (1, 3)
    return "channels_first" if first else "channels_last"


def array_names(path: Path) -> list[str]:
    """The keys of the arrays in the file."""
    with _opened(path) as archive:
        return [name[:-4] for name in archive.namelist() if name.endswith(".npy")]


def array_kind(path: Path, key: str) -> str:
    """The kind of its dtype, "f" or "U" or so; only the header is read."""
    with _opened(path) as archive, archive.open(f"{key}.npy") as member:
        return _read_header(member, path, key)[1].kind


def read_npz(
    path: Path, keys: Collection[str], *, text: Collection[str] = ()
) -> dict[str, np.ndarray]:
    """These arrays of numbers; those of `text` may be text, too."""
    limit = path.stat().st_size * DEFLATE_LIMIT
    with _opened(path) as archive:
        return {
            key: _read_member(
                archive, path, f"{key}.npy", limit, "biufU" if key in text else "biuf"
            )
            for key in keys
        }


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive; what is wrong with it becomes a DataError."""
    try:
        with zipfile.ZipFile(path) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of NumPy's on old but harmless headers
            yield archive
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
    except Exception as error:
        # Damaged bytes make zipfile, zlib and NumPy's header parser raise almost anything.
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path}: damaged or no .npz ({reason or type(error).__name__})") from error


def _read_member(
    archive: zipfile.ZipFile, path: Path, name: str, limit: int, kinds: str
) -> np.ndarray:
    info = archive.getinfo(name)
    if info.file_size > limit:
        raise DataError(f"{path}: {name} claims {info.file_size:,} bytes; the file is too small")
    with archive.open(info) as member:
        _check_header(member, path, info, kinds)
    with archive.open(info) as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def _check_header(member: IO[bytes], path: Path, info: zipfile.ZipInfo, kinds: str) -> None:
    """The header must describe plain numbers (or text) that fill the entry exactly."""
    shape, dtype = _read_header(member, path, info.filename)
    if dtype.kind not in kinds or not dtype.itemsize:
        raise DataError(f"{path}: {info.filename} holds {dtype}; expected plain numbers")
    size = math.prod(shape) * dtype.itemsize
    found = info.file_size - member.tell()
    if min(shape, default=0) < 0 or size != found:
        raise DataError(
            f"{path}: {info.filename} claims shape {shape} of {dtype}, {size:,} bytes; "
            f"the entry holds {found:,}"
        )


def _read_header(member: IO[bytes], path: Path, name: str) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(member)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(member)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(member)
    else:
        raise DataError(f"{path}: {name} has .npy version {version}; expected 1.0 or 2.0")
    return shape, dtype
