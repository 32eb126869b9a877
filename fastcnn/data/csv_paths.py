"""CSV with a picture file in each line: path,label or path,label,split.

Files are looked for beside the table, then in the folders there; those without a suffix (Kaggle's
ids) with any suffix of a picture.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastcnn.data.csv_pixels import LABEL_COLUMNS
from fastcnn.data.parts import TRAIN, part_named, part_names
from fastcnn.data.picture_types import SUFFIXES
from fastcnn.data.table import Table
from fastcnn.errors import DataError

PATH_COLUMNS = (
    *("path", "file", "filename", "file_name", "filepath", "file_path", "image_path"),
    *("image", "images", "img", "picture", "image_id", "id", "name"),
)
SPLIT_COLUMNS = ("split", "subset", "set", "part", "partition", "usage")


@dataclass(frozen=True)
class PathColumns:
    """Which columns are what."""

    path: int
    label: int
    split: int | None


@dataclass(frozen=True)
class PictureRow:
    """A line of the table."""

    number: int
    path: Path
    label: str
    part: str


def path_columns(table: Table) -> PathColumns | None:
    """None if this is no table of picture files; without a header a first cell must be one."""
    if not table.header:
        return None
    names = {name.lower(): k for k, name in reversed(list(enumerate(table.header)))}
    path, label, split = (_column(names, of) for of in (PATH_COLUMNS, LABEL_COLUMNS, SPLIT_COLUMNS))
    if path is None and _is_picture(table.header[0]):
        return PathColumns(0, 1, 2 if table.columns > 2 else None) if table.columns > 1 else None
    if path is not None and label is None:
        rest = [k for k in range(table.columns) if k not in (path, split)]
        label = rest[0] if len(rest) == 1 else None
    return None if path is None or label is None else PathColumns(path, label, split)


def _column(names: dict[str, int], wanted: Sequence[str]) -> int | None:
    return next((names[name] for name in wanted if name in names), None)


def _is_picture(text: str) -> bool:
    return text.lower().endswith(SUFFIXES)


def read_paths(table: Table, columns: PathColumns) -> tuple[list[PictureRow], list[str]]:
    """(the lines, each picture once; notes)."""
    root, places = table.path.parent, _places(table.path.parent)
    rows: dict[Path, PictureRow] = {}
    missing: list[str] = []
    repeated = lines = 0
    for number, text, label, part in _cells(table, columns):
        lines += 1
        path = _find(text, root, places)
        if path is None:
            missing.append(f"{text} (line {number:,})")
            continue
        row = PictureRow(number, path, label, part)
        before = rows.setdefault(path, row)
        repeated += before is not row
        if (before.label, before.part) != (label, part):
            raise table.error(
                number,
                f"{text} is {label!r} ({part}), but {before.label!r} ({before.part}) in line "
                f"{before.number:,}; expected one label for each picture",
            )
    if missing:
        shown = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise DataError(f"{table.path}: {len(missing):,} of {lines:,} files are missing: {shown}")
    if not rows:
        raise DataError(f"{table.path}: a header without lines of data")
    notes = [f"{repeated:,} lines of {table.path.name} repeat a picture: left out"]
    return list(rows.values()), notes if repeated else []


def _cells(table: Table, columns: PathColumns) -> Iterator[tuple[int, str, str, str]]:
    """(number, path, label, part) of each line."""
    headed = not _is_picture(table.header[0])
    with table.lines() as lines:
        first = [] if headed else [(1, list(table.header))]
        rest = ((line[0], table.split(line)) for line in lines)
        for number, cells in (*first, *rest):
            path, label = cells[columns.path], cells[columns.label]
            for k in (columns.path, columns.label):
                if not cells[k]:
                    raise table.error(number, f"{table.title(k)} is empty")
            part: str | None = TRAIN
            if columns.split is not None:
                part = part_named(cells[columns.split])
            if part is None:
                assert columns.split is not None
                split = cells[columns.split]
                raise table.error(number, f"split {split!r}; expected one of {part_names()}")
            yield number, path, label, part


def _places(root: Path) -> list[Path]:
    """The folder of the table, and those in it."""
    try:
        return [root, *sorted(p for p in root.iterdir() if p.is_dir() and p.name[0] != ".")]
    except OSError as error:
        raise DataError(f"{root}: {error.strerror or error}") from error


def _find(text: str, root: Path, places: list[Path]) -> Path | None:
    """The file, or None; the place where one was found is tried first for the next."""
    for name in dict.fromkeys((text, text.replace("\\", "/"))):
        for place in places:
            for path in (place / name, *(place / f"{name}{suffix}" for suffix in SUFFIXES)):
                if path.is_file():
                    places.remove(place)
                    places.insert(0, place)
                    return path
    return None
