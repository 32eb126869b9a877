"""Pictures in a folder per class, any sizes, perhaps below train/ and test/ or val/."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fastcnn.data.dataset import Dataset, ImageSet
from fastcnn.data.images import check_size, read_picture, resize, to_rgb
from fastcnn.errors import DataError

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
TRAIN = "train"
TEST = ("test", "val")  # the first that exists is the test set

Files = list[tuple[Path, int]]  # a picture and the index of its class


def load_folder(
    path: str | Path,
    *,
    image_size: int | Sequence[int] | None = None,
    largest_side: int | None = None,
) -> Dataset:
    """Pictures of `path/<class>/*`, or `path/train/<class>/*` with `path/test` or `path/val`.

    image_size: (height, width) that all pictures are resized to; without it the median size
        of the training pictures, rounded, and shrunk until no side is above `largest_side`
    Pictures become RGB, or grey if all of them are stored in grey. Classes are in sorted order.
    """
    path = Path(path)
    if not path.is_dir():
        raise DataError(f"{path}: no such folder")
    size = check_size(image_size)
    try:
        train, test, classes = _list_all(path)
    except OSError as error:
        raise DataError(f"{error.filename}: {error.strerror}") from error
    if size is None:
        size = _shrink(_median_size(train), largest_side)
    images, labels = _read_all(train + test, size)
    name = path.resolve().name
    sets = [
        ImageSet(images[part], labels[part], classes, name)
        for part in (slice(0, len(train)), slice(len(train), None))
        if len(labels[part])
    ]
    return Dataset(sets[0], sets[1] if test else None, name)


def _folders(folder: Path) -> list[str]:
    """Names of sub-folders, sorted, without hidden ones and what macOS leaves in archives."""
    names = [p.name for p in folder.iterdir() if p.is_dir()]
    return sorted(n for n in names if not n.startswith(".") and n != "__MACOSX")


def _levels(path: Path) -> tuple[Path, Path | None]:
    """The folders that hold the classes of the training and of the test set."""
    names = _folders(path)
    if TRAIN not in names or not set(names) <= {TRAIN, *TEST}:
        return path, None
    test = next((name for name in TEST if name in names), None)
    return path / TRAIN, path / test if test else None


def _list_all(path: Path) -> tuple[Files, Files, tuple[str, ...]]:
    """(training pictures, test pictures, classes)."""
    train_folder, test_folder = _levels(path)
    classes = _class_names(train_folder)
    test = _list_files(test_folder, classes) if test_folder else []
    return _list_files(train_folder, classes), test, classes


def _class_names(folder: Path) -> tuple[str, ...]:
    classes = tuple(_folders(folder))
    if len(classes) < 2:
        found = f"only {classes[0]!r}" if classes else "none"
        raise DataError(f"{folder}: expected a sub-folder per class, two at least; found {found}")
    return classes


def _list_files(folder: Path, classes: tuple[str, ...]) -> Files:
    """The pictures, sorted within their classes; a test set may lack classes, not add some."""
    extra = set(_folders(folder)) - set(classes)
    if extra:
        raise DataError(f"{folder}: class {min(extra)!r} is not among the training classes")
    files: Files = []
    for index, name in enumerate(classes):
        if not (folder / name).is_dir():
            continue
        pictures = sorted(
            p for p in (folder / name).iterdir() if p.suffix.lower() in SUFFIXES and p.is_file()
        )
        if not pictures:
            raise DataError(f"{folder / name}: no pictures; expected {', '.join(SUFFIXES)}")
        files += [(picture, index) for picture in pictures]
    if not files:
        raise DataError(f"{folder}: no class folders; expected {', '.join(classes)}")
    return files


def _median_size(files: Files) -> tuple[int, int]:
    sizes = [read_picture(path).shape[:2] for path, _ in files]
    height, width = np.rint(np.median(sizes, axis=0)).astype(int)
    return int(height), int(width)


def _shrink(size: tuple[int, int], largest_side: int | None) -> tuple[int, int]:
    """The size in its proportions with no side above `largest_side`."""
    factor = 1.0 if largest_side is None else min(1.0, largest_side / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _read_all(files: Files, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (N, height, width, 1 or 3) and int64 (N,)."""
    images = np.empty((len(files), *size, 3), np.uint8)
    grey = True
    for target, (path, _) in zip(images, files, strict=True):
        picture = read_picture(path)
        grey = grey and picture.ndim == 2
        target[:] = to_rgb(resize(picture, size))
    labels = np.array([label for _, label in files], np.int64)
    return (np.ascontiguousarray(images[..., :1]) if grey else images), labels
