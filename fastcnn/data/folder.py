"""Pictures in a folder per class, any sizes, perhaps below train/, valid/ and test/."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from fastcnn.data.archive import SUFFIXES as ARCHIVES
from fastcnn.data.archive import is_archive, list_archive
from fastcnn.data.dataset import Dataset, ImageSet
from fastcnn.data.file_tree import Entry, FileTree, Parts, list_folder
from fastcnn.data.layout import Layout, find_layout
from fastcnn.data.look import describe_tree, looks_like
from fastcnn.data.parts import TEST, TRAIN, VALIDATION
from fastcnn.data.picture import PictureError, oriented_size
from fastcnn.data.picture_options import PictureOptions
from fastcnn.data.picture_record import PictureRecord
from fastcnn.data.picture_set import PictureFile, Pictures, read_pictures
from fastcnn.data.picture_types import (
    HEAD,
    SUFFIXES,
    is_readable,
    picture_type,
    unreadable_reason,
)
from fastcnn.data.resizing import check_size
from fastcnn.errors import DataError

NO_PICTURE = "no picture"
NO_LABELS = "in no class folder, so they have no labels"
OUTSIDE = "beside the class folders"
OTHER_PART = "neither in train/ nor in valid/ or test/"


class PicturesError(DataError):
    """Of pictures that can't be read, where it is known which are wanted."""


@dataclass
class Listed:
    """files: picture, class and part of the data set; left_out: {file: why}."""

    files: list[PictureFile] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def load_folder(path: str | Path, **options: Any) -> Dataset:
    """`read_folder` with the same options, and a DataWarning for each note."""
    return read_folder(path, **options).tell()


def read_folder(
    path: str | Path,
    *,
    image_size: int | Sequence[int] | None = None,
    largest_side: int | None = None,
    background: str | Sequence[int] = "white",
    bits: int | None = None,
    max_pixels: int | None = None,
    skip_damaged: bool = False,
) -> Dataset:
    """Pictures of `path/<class>/**`, or of train, validation and test folders with classes in them.

    path: a folder, or a .zip or .tar of one
    image_size: (height, width) that all pictures are resized to; without it the median size
        of the training pictures, rounded, and shrunk until no side is above `largest_side`
    background: white, black, grey or (R, G, B), what transparent pictures are drawn onto
    bits: of 16-bit pictures; without it as many as their largest value needs
    max_pixels: larger pictures are damaged ones
    skip_damaged: damaged pictures are left out; else they are one DataError

    Pictures become RGB, or grey if all of them are stored in grey; uint8, or float32 in 0..1 if
    one has 16 bits. Classes are in sorted order. What is left out stands in `Dataset.notes`, by
    file in `Dataset.pictures`.
    """
    options = PictureOptions.of(background, bits, max_pixels, skip_damaged)
    size, path = check_size(image_size), Path(path)
    tree = list_tree(path)
    layout = find_layout(tree)
    classes = _class_names(tree, layout.splits[TRAIN])
    listed = _list_all(tree, layout, classes)
    if size is None:
        pairs = zip(listed.files, listed.parts, strict=True)
        training = [file for file, part in pairs if part == TRAIN]
        size = _shrink(_median_size(training, options), largest_side)
    try:
        pictures = read_pictures(listed.files, size, options)
    except DataError as error:
        raise PicturesError(f"{path}: {error}") from error
    dataset = _dataset(_name(path), classes, listed, pictures, options)
    return replace(dataset, notes=(*layout.notes, *dataset.notes))


def list_tree(path: Path) -> FileTree:
    """The files of a folder, or of an archive of one."""
    if path.is_dir():
        return list_folder(path)
    if not path.is_file():
        raise DataError(f"{path}: no such folder")
    if not is_archive(path):
        raise DataError(f"{path}: expected a folder, or an archive ({', '.join(ARCHIVES)})")
    return list_archive(path)


def _name(path: Path) -> str:
    name = path.resolve().name
    suffix = next((s for s in ARCHIVES if path.is_file() and name.lower().endswith(s)), "")
    return name[: len(name) - len(suffix)] or name


def _class_names(tree: FileTree, folder: Parts) -> tuple[str, ...]:
    classes = tuple(tree.folders_in(folder))
    if len(classes) < 2:
        found = f"only {classes[0]!r}" if classes else "none"
        raise DataError(
            f"{tree.name(folder)}: expected a sub-folder per class, two at least; found {found}; "
            f"{describe_tree(tree, folder)}"
        )
    return classes


def _list_all(tree: FileTree, layout: Layout, classes: tuple[str, ...]) -> Listed:
    """Every file of the tree is among the files or left out."""
    listed = Listed()
    taken: set[Parts] = set()
    for part, folder in layout.splits.items():
        _check_classes(tree, folder, classes)
        for index, name in enumerate(classes):
            entries = tree.files_below((*folder, name))
            taken.update(entry.parts for entry in entries)
            before = len(listed.files)
            for entry in entries:
                _add(listed, entry, index, part)
            if len(listed.files) == before and (*folder, name) in tree.folders:
                raise DataError(
                    f"{tree.name((*folder, name))}: no pictures; "
                    f"{describe_tree(tree, (*folder, name))}{looks_like(tree, (), folder)}"
                )
    for entry in tree.entries:
        if entry.parts not in taken:
            listed.left_out["/".join(entry.parts)] = _why_outside(entry, layout)
    return listed


def _check_classes(tree: FileTree, folder: Parts, classes: tuple[str, ...]) -> None:
    """A validation or test set may lack classes, not add some."""
    there = set(tree.folders_in(folder))
    extra = there - set(classes)
    if extra:
        raise DataError(
            f"{tree.name(folder)}: class {min(extra)!r} is not among the training classes"
        )
    if not there:
        raise DataError(f"{tree.name(folder)}: no class folders; expected {', '.join(classes)}")


def _add(listed: Listed, entry: Entry, label: int, part: str) -> None:
    name = "/".join(entry.parts)
    reason = why_no_picture(entry)
    if reason is not None:
        listed.left_out[name] = reason
        return
    listed.files.append(PictureFile(name, entry.read))
    listed.labels.append(label)
    listed.parts.append(part)


def why_no_picture(entry: Entry) -> str | None:
    """A file that is called like a picture and isn't one is damaged, which reading it tells."""
    try:
        kind = picture_type(entry.read(HEAD))
    except PictureError:
        return None
    if kind is None:
        called = Path(entry.parts[-1]).suffix.lower() in SUFFIXES
        return None if called else NO_PICTURE
    return None if is_readable(kind) else unreadable_reason(kind)


def _why_outside(entry: Entry, layout: Layout) -> str:
    if any(entry.parts[: len(folder)] == folder for folder in layout.unlabelled):
        return NO_LABELS
    if any(entry.parts[: len(folder)] == folder for folder in layout.others):
        return OTHER_PART
    return why_no_picture(entry) or OUTSIDE


def read_files(
    paths: Sequence[Path],
    training: Sequence[Path],
    size: tuple[int, int] | None,
    largest_side: int | None,
    options: PictureOptions,
) -> Pictures:
    """Single files, sized as by `load_folder` after those that are for training."""
    if size is None:
        files = [PictureFile.of(path) for path in training]
        size = _shrink(_median_size(files, options), largest_side)
    return read_pictures([PictureFile.of(path) for path in paths], size, options)


def _median_size(files: Sequence[PictureFile], options: PictureOptions) -> tuple[int, int]:
    """Of those that can be read."""
    sizes = []
    for file in files:
        with contextlib.suppress(PictureError):  # told with all others when they are read
            sizes.append(oriented_size(file.read(-1), options))
    if not sizes:
        return 1, 1
    height, width = np.rint(np.median(sizes, axis=0)).astype(int)
    return max(1, int(height)), max(1, int(width))


def _shrink(size: tuple[int, int], largest_side: int | None) -> tuple[int, int]:
    """The size in its proportions with no side above `largest_side`."""
    factor = 1.0 if largest_side is None else min(1.0, largest_side / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _dataset(
    name: str,
    classes: tuple[str, ...],
    listed: Listed,
    pictures: Pictures,
    options: PictureOptions,
) -> Dataset:
    labels = np.array(listed.labels, np.int64)[pictures.used]
    parts = np.array(listed.parts)[pictures.used]
    _check_left(classes, labels[parts == TRAIN], pictures)
    sets: dict[str, ImageSet] = {}
    for part in dict.fromkeys(listed.parts):
        at = np.flatnonzero(parts == part)
        if len(at):  # they lie one after the other, so a slice needs no copy
            here = slice(at[0], at[-1] + 1)
            sets[part] = ImageSet(pictures.images[here], labels[here], classes, name)
    record = PictureRecord(
        options.background,
        pictures.bits,
        pictures.damaged,
        {**listed.left_out, **pictures.left_out},
        pictures.notes,
    )
    return Dataset(
        sets[TRAIN],
        sets.get(TEST),
        name,
        tuple(record.texts()),
        validation=sets.get(VALIDATION),
        pictures=record,
    )


def _check_left(classes: tuple[str, ...], labels: np.ndarray, pictures: Pictures) -> None:
    """A class that lost all its pictures would be one that nothing is ever taken for."""
    empty = [classes[k] for k in range(len(classes)) if not (labels == k).any()]
    if empty:
        lost = len(pictures.damaged) + len(pictures.left_out)
        raise DataError(
            f"no training picture of class {empty[0]!r} can be read ({lost:,} left out)"
        )
