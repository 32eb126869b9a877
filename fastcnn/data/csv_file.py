"""CSV as a data set: a table of pixels or of picture files, and the tables beside it."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fastcnn.data.classes import Pair, dataset_of
from fastcnn.data.csv_paths import PATH_COLUMNS, PathColumns, path_columns, read_paths
from fastcnn.data.csv_pixels import (
    LABEL_COLUMNS,
    PixelColumns,
    Shape,
    image_shape,
    pixel_columns,
    read_pixels,
)
from fastcnn.data.dataset import Dataset
from fastcnn.data.folder import read_files
from fastcnn.data.images import check_labels
from fastcnn.data.parts import TEST, TRAIN, VALIDATION, part_named
from fastcnn.data.picture_options import PictureOptions
from fastcnn.data.picture_record import PictureRecord
from fastcnn.data.picture_set import counted, first_names
from fastcnn.data.picture_types import SUFFIXES as PICTURES
from fastcnn.data.rawfile import list_files
from fastcnn.data.resizing import check_size
from fastcnn.data.table import Table, is_number, open_table
from fastcnn.errors import DataError, OptionError

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
WORDS = re.compile(r"[^_\-. ]+")


def load_csv(path: str | Path, **options: Any) -> Dataset:
    """`csv_dataset` with the same options, and a DataWarning for each note."""
    return csv_dataset(path, **options).tell()


def csv_dataset(
    path: str | Path,
    *,
    image_shape: Sequence[int] | None = None,
    image_size: int | Sequence[int] | None = None,
    largest_side: int | None = None,
    **pictures: Any,
) -> Dataset:
    """A table with a label and the pixels, or the path, of a picture in each line.

    image_shape: (height, width) or (height, width, channels) of the pixels of a line; by default
        a square, grey or RGB
    image_size, largest_side, pictures: of the pictures of a table of paths, as for `read_folder`
    A table named train.csv or so is read with those of the same form beside it, test.csv and
    val.csv; one without labels is left alone.
    """
    path, shape = Path(path), _check_shape(image_shape)
    table = open_table(path)
    if pixels := pixel_columns(table, shape):
        return _load_pixels(table, pixels, shape)
    if paths := path_columns(table):
        sizes = check_size(image_size), largest_side
        return _load_paths(table, paths, *sizes, PictureOptions.of(**pictures))
    found = ", ".join(table.header[:8]) if table.header else "no header"
    raise DataError(
        f"{path}: a table of {table.columns:,} columns ({found}); expected a column of labels "
        f"({', '.join(LABEL_COLUMNS[:3])}, ...) and columns of pixels (pixel0, pixel1, ...) or one "
        f"of picture files ({', '.join(PATH_COLUMNS[:3])}, ...)"
    )


def find_table(folder: Path) -> Path | None:
    """The table that a folder is about: train.csv or so, or the only one where no folder is.

    Where folders are, which may hold the classes, it must be a table of pixels or of pictures.
    """
    tables = [path for path in list_files(folder) if path.name.lower().endswith(SUFFIXES)]
    folders = any(path.is_dir() for path in folder.iterdir())
    training = [path for path in tables if _part_of(path) == TRAIN]
    training = [path for path in training if not folders or is_known(path)]
    if len(training) > 1:
        names = ", ".join(path.name for path in training)
        raise DataError(f"{folder} holds {len(training)} tables to train on ({names}): name one")
    if training:
        return training[0]
    return tables[0] if len(tables) == 1 and not folders else None


def is_known(path: Path) -> bool:
    """Whether it is called like a table, and its columns are those of pixels or pictures."""
    if not path.name.lower().endswith(SUFFIXES):
        return False
    try:
        table = open_table(path)
    except DataError:
        return False
    return pixel_columns(table) is not None or path_columns(table) is not None


def beside(table: Path) -> list[str]:
    """A note on the files in the folder of a table that are not read with it."""
    read = {table, *_siblings(table).values()}
    others = [path.name for path in list_files(table.parent) if path not in read]
    return [f"left alone beside {table.name}: {first_names(others)}"] if others else []


def _check_shape(shape: Sequence[int] | None) -> Shape | None:
    if shape is None:
        return None
    sizes = (*shape, 1) if len(shape) == 2 else tuple(shape)
    if len(sizes) != 3 or not all(isinstance(n, int) and n > 0 for n in sizes):
        raise OptionError(f"image shape {shape!r}; expected (height, width) or (h, w, channels)")
    return sizes[0], sizes[1], sizes[2]


# ---- pixels


def _load_pixels(table: Table, columns: PixelColumns, wanted: Shape | None) -> Dataset:
    if columns.label is None:
        raise DataError(f"{table.path}: no column of labels; expected {', '.join(LABEL_COLUMNS)}")
    shape = image_shape(table, columns, wanted)
    notes = _notes(table, columns, shape)
    parts = {TRAIN: _read(table, columns, shape)}
    for part, path in _siblings(table.path).items():
        other = open_table(path)
        found = pixel_columns(other, shape)
        if found is None or len(found.pixels) != len(columns.pixels):
            notes.append(f"{path.name} left alone: its columns are other ones")
        elif found.label is None:
            notes.append(f"{path.name} left alone: it has no labels")
        else:
            parts[part] = _read(other, found, shape)
            notes.append(f"{path.name} is the {part} set")
    if len({images.dtype for images, _ in parts.values()}) > 1:
        parts = {part: (x.astype(np.float32), labels) for part, (x, labels) in parts.items()}
    return dataset_of(_name(table.path), parts, notes=notes)


def _read(table: Table, columns: PixelColumns, shape: Shape) -> Pair:
    numbers, labels = read_pixels(table, columns)
    return numbers.reshape(-1, *shape), as_labels(labels, str(table.path))


def as_labels(texts: Sequence[str], name: str) -> np.ndarray:
    """Whole numbers if all of them are, else text."""
    if all(map(is_number, texts)):
        values = np.array(texts, float)
        plain = all(text.lstrip("0") == text or text == "0" for text in texts)
        if plain and (values == np.rint(values)).all() and abs(values).max() < 1 << 53:
            return check_labels(values.astype(np.int64), len(values), name=f"{name}: labels")
    return np.array(texts, str)


def _notes(table: Table, columns: PixelColumns, shape: Shape) -> list[str]:
    """What was guessed, and what is left out."""
    notes = []
    assert columns.label is not None
    if not table.header:
        place = "first" if columns.label == 0 else "last"
        notes.append(f"{table.path.name} has no header: labels are in the {place} column")
    elif table.header[columns.label].lower() not in LABEL_COLUMNS:
        notes.append(f"labels are {table.title(columns.label)} of {table.path.name}")
    if columns.left_out:
        names = ", ".join(map(table.title, columns.left_out[:5]))
        notes.append(f"left out of {table.path.name}: {names}")
    if shape[2] > 1:
        size = "x".join(map(str, shape))
        notes.append(f"pixels are read as {size}: the {shape[2]} channels of a pixel side by side")
    return notes


# ---- picture files


def _load_paths(
    table: Table,
    columns: PathColumns,
    size: tuple[int, int] | None,
    largest_side: int | None,
    options: PictureOptions,
) -> Dataset:
    rows, notes = read_paths(table, columns)
    if columns.split is None:
        for part, path in _siblings(table.path).items():
            other = open_table(path)
            found = path_columns(other)
            if found is None:
                notes.append(f"{path.name} left alone: it has no labels, or other columns")
                continue
            more, said = read_paths(other, found)
            rows += [type(row)(row.number, row.path, row.label, part) for row in more]
            notes += [*said, f"{path.name} is the {part} set"]
    training = [row.path for row in rows if row.part == TRAIN]
    if not training:
        raise DataError(f"{table.path}: no line of the split 'train'")
    try:
        read = read_files([row.path for row in rows], training, size, largest_side, options)
    except DataError as error:
        raise DataError(f"{table.path}: {error}") from error
    notes += _not_listed([row.path for row in rows], table.path.name)
    rows = [rows[k] for k in read.used]
    labels = as_labels([row.label for row in rows], str(table.path))
    parts = {}
    for part in (TRAIN, VALIDATION, TEST):
        chosen = np.array([row.part == part for row in rows])
        if chosen.any():
            parts[part] = read.images[chosen], labels[chosen]
    if TRAIN not in parts:
        raise DataError(f"{table.path}: no training picture can be read")
    record = PictureRecord(options.background, read.bits, read.damaged, read.left_out, read.notes)
    dataset = dataset_of(_name(table.path), parts, notes=[*notes, *record.texts()])
    return replace(dataset, pictures=record)


def _not_listed(used: Sequence[Path], table: str) -> list[str]:
    """A note on the pictures in the same folders that the table does not name."""
    known = {path.resolve() for path in used}
    folders = sorted({path.parent for path in known})
    files = [path for folder in folders for path in list_files(folder)]
    others = [p.name for p in files if p.name.lower().endswith(PICTURES) and p not in known]
    if not others:
        return []
    return [
        f"{counted(others)} beside those of {table} not in it, left out ({first_names(others)})"
    ]


# ---- names


def _name(path: Path) -> str:
    """ "sign_mnist" of sign_mnist_train.csv; the folder's name if nothing else is in it."""
    words = [word for word in WORDS.findall(_stem(path)) if not part_named(word)]
    return "_".join(words) or path.resolve().parent.name or "table"


def _stem(path: Path) -> str:
    name = path.name
    suffix = next((s for s in sorted(SUFFIXES, key=len)[::-1] if name.lower().endswith(s)), "")
    return name.removesuffix(name[len(name) - len(suffix) :])


def _part_of(path: Path) -> str | None:
    parts = [part for word in WORDS.findall(_stem(path)) if (part := part_named(word))]
    return parts[0] if len(parts) == 1 else None


def _siblings(path: Path) -> dict[str, Path]:
    """Tables of the same name but for the part, beside one to train on."""
    if _part_of(path) != TRAIN:
        return {}
    found: dict[str, Path] = {}
    for other in list_files(path.parent):
        part = _part_of(other) if other.name.lower().endswith(SUFFIXES) else None
        if part not in (None, TRAIN) and _pattern(other) == _pattern(path):
            assert part is not None
            found.setdefault(part, other)
    return found


def _pattern(path: Path) -> list[str]:
    return [word.lower() for word in WORDS.findall(_stem(path)) if not part_named(word)]
