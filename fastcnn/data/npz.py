"""NumPy's .npz, read with distrust: no pickle, and no memory taken on a header's word."""

import math
import warnings
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from fastcnn.data.dataset import Dataset, ImageSet
from fastcnn.data.images import check_images, check_labels
from fastcnn.data.rawfile import DEFLATE_LIMIT
from fastcnn.errors import DataError

TRAIN_KEYS = (("x_train", "y_train"), ("x", "y"), ("images", "labels"))
TEST_KEYS = ("x_test", "y_test")


def load_npz(path: str | Path, *, data_format: str | None = None) -> Dataset:
    """An .npz with x_train, y_train and perhaps x_test, y_test; or x, y; or images, labels.

    images: (N, H, W), (N, H, W, C) or (N, C, H, W), uint8 or floats; labels: integers from 0
    data_format: without it, 1 or 3 on the second axis and not on the last means channels first
    """
    path = Path(path)
    arrays = read_npz(path, {key for pair in (*TRAIN_KEYS, TEST_KEYS) for key in pair})
    pairs = [pair for pair in TRAIN_KEYS if all(key in arrays for key in pair)]
    if not pairs:
        wanted = " or ".join(", ".join(pair) for pair in TRAIN_KEYS)
        found = ", ".join(sorted(arrays)) or "none of them"
        raise DataError(f"{path}: expected the arrays {wanted}; found {found}")
    keys = [pairs[0]]
    if pairs[0] == TRAIN_KEYS[0] and not arrays.keys().isdisjoint(TEST_KEYS):
        keys.append(TEST_KEYS)
    checked = [_check_pair(path, arrays, pair, data_format) for pair in keys]
    classes = tuple(map(str, range(max(int(labels.max()) for _, labels in checked) + 1)))
    sets = [ImageSet(*pair, classes, path.stem) for pair in checked]
    return Dataset(sets[0], sets[1] if len(sets) > 1 else None, path.stem)


def _check_pair(
    path: Path, arrays: dict[str, np.ndarray], keys: tuple[str, str], data_format: str | None
) -> tuple[np.ndarray, np.ndarray]:
    for key, other in (keys, keys[::-1]):
        if key not in arrays:
            raise DataError(f"{path}: {other} without {key}")
    images = arrays[keys[0]]
    images = check_images(images, data_format or _guess(images), name=f"{path}: {keys[0]}")
    return images, check_labels(arrays[keys[1]], len(images), name=f"{path}: {keys[1]}")


def _guess(images: np.ndarray) -> str:
    first = images.ndim == 4 and images.shape[1] in (1, 3) and images.shape[3] not in (1, 3)
    return "channels_first" if first else "channels_last"


def read_npz(path: Path, keys: set[str]) -> dict[str, np.ndarray]:
    """Those of the arrays which the file holds."""
    try:
        limit = path.stat().st_size * DEFLATE_LIMIT
        with zipfile.ZipFile(path) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of NumPy's on old but harmless headers
            names = {key: f"{key}.npy" for key in keys}
            there = set(archive.namelist())
            return {
                key: _read_member(archive, path, name, limit)
                for key, name in names.items()
                if name in there
            }
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
    except Exception as error:
        # Damaged bytes make zipfile, zlib and NumPy's header parser raise almost anything.
        text = str(error).partition("\n")[0]
        raise DataError(f"{path}: damaged or no .npz ({text or type(error).__name__})") from error


def _read_member(archive: zipfile.ZipFile, path: Path, name: str, limit: int) -> np.ndarray:
    info = archive.getinfo(name)
    if info.file_size > limit:
        raise DataError(f"{path}: {name} claims {info.file_size:,} bytes; the file is too small")
    with archive.open(info) as member:
        _check_header(member, path, info)
    with archive.open(info) as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def _check_header(member: IO[bytes], path: Path, info: zipfile.ZipInfo) -> None:
    """The header must describe plain numbers that fill the entry exactly."""
    version = np.lib.format.read_magic(member)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(member)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(member)
    else:
        raise DataError(f"{path}: {info.filename} has .npy version {version}; expected 1.0 or 2.0")
    if dtype.kind not in "biuf":
        raise DataError(f"{path}: {info.filename} holds {dtype}; expected plain numbers")
    size = math.prod(shape) * dtype.itemsize
    found = info.file_size - member.tell()
    if min(shape, default=0) < 0 or size != found:
        raise DataError(
            f"{path}: {info.filename} claims shape {shape} of {dtype}, {size:,} bytes; "
            f"the entry holds {found:,}"
        )
