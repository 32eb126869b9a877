"""CSV with an image in each line: its label, then its pixels, as Kaggle's digits come.

label,pixel0,...,pixel783; or without a header, the label in the first column, or in the last if
the first is the same in all lines. Colours lie side by side: red, green, blue of each pixel.
"""

import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from fastcnn.data.table import Line, Table, is_number
from fastcnn.errors import DataError

LABEL_COLUMNS = ("label", "labels", "class", "classes", "class_name", "category", "target", "y")
PIXEL = re.compile(r"(pixels?|px|p|x|f|v|col|column|feature)?[_ .-]?\d+|\d+x\d+", re.IGNORECASE)
PLACE = re.compile(r"(\d+)x(\d+)")  # row x column, from 1, in the header
FEWEST = 4  # columns of pixels, or it is no table of pixels
LARGEST = float(np.finfo(np.float32).max)
LINES = 1024  # parsed at a time


@dataclass(frozen=True)
class PixelColumns:
    """Which columns are what; label: None where there is none."""

    pixels: tuple[int, ...]
    label: int | None
    left_out: tuple[int, ...]


Shape = tuple[int, int, int]


def pixel_columns(table: Table, wanted: Shape | None = None) -> PixelColumns | None:
    """None if this is no table of pixels; wanted: the shape of an image, if it is known."""
    every = range(table.columns)
    pixels = tuple(k for k in every if not table.header or PIXEL.fullmatch(table.header[k]))
    others = [k for k in every if k not in set(pixels)]
    if len(pixels) < FEWEST:
        return None
    label = _label_of(table, others)
    shape = wanted or _side(len(pixels))
    if label is None and not others and (shape is None or math.prod(shape) != len(pixels)):
        label = _first_or_last(table)
        pixels = tuple(k for k in pixels if k != label)
    return PixelColumns(pixels, label, tuple(k for k in others if k != label))


def _label_of(table: Table, others: Sequence[int]) -> int | None:
    """The column of labels by its name, or the only one with a name of its own."""
    names = {table.header[k].lower(): k for k in reversed(others)}
    for name in LABEL_COLUMNS:
        if name in names:
            return names[name]
    rest = [k for name, k in names.items() if name not in ("", "id", "index", "unnamed: 0")]
    return rest[0] if len(rest) == 1 else None


def _first_or_last(table: Table) -> int:
    """Where the label is if no name tells: the corner of an image may always be empty."""
    with table.lines() as lines:
        first = {text.partition(table.separator)[0] for _, text in islice(lines, 10_000)}
    return 0 if len(first) > 1 else table.columns - 1


def read_pixels(table: Table, columns: PixelColumns) -> tuple[np.ndarray, list[str]]:
    """(numbers (N, P), uint8 if all are whole and within 0..255, else float32; the labels)."""
    parts: list[np.ndarray] = []
    labels: list[str] = []
    with table.lines() as lines:
        while chunk := list(islice(lines, LINES)):
            parts.append(_numbers(table, columns.pixels, chunk))
            if columns.label is not None:
                labels += [_label(table, columns.label, line) for line in chunk]
    if not parts:
        raise DataError(f"{table.path}: a header without lines of data")
    if all(part.dtype == np.uint8 for part in parts) and max(int(p.max()) for p in parts) > 1:
        return np.concatenate(parts), labels
    return np.concatenate(parts, dtype=np.float32), labels


def _label(table: Table, column: int, line: Line) -> str:
    if '"' in line[1]:
        text = table.split(line)[column]
    elif column + 1 == table.columns:
        text = line[1].rpartition(table.separator)[2]
    else:
        text = line[1].split(table.separator, column + 1)[column]
    if not text.strip():
        raise table.error(line[0], f"{table.title(column)} is empty; expected a label")
    return text.strip()


def _numbers(table: Table, columns: tuple[int, ...], chunk: list[Line]) -> np.ndarray:
    options = {"delimiter": table.separator, "comments": None, "usecols": columns, "ndmin": 2}
    texts = [text for _, text in chunk]
    for dtype in (np.uint8, np.float32):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # older NumPy cuts "0.5" to 0 with a warning
                found = np.loadtxt(texts, dtype, quotechar='"', **options)  # type: ignore[call-overload]
        except (ValueError, Warning, OverflowError):
            continue
        if np.isfinite(found).all():
            return found
    raise _bad_number(table, columns, chunk)


def _bad_number(table: Table, columns: tuple[int, ...], chunk: list[Line]) -> DataError:
    """An error that names the first cell that is no number."""
    for line in chunk:
        cells = table.split(line)
        for k in columns:
            text = cells[k]
            if not is_number(text) or not abs(float(text)) <= LARGEST:
                return table.error(line[0], f"{table.title(k)} is {text!r}; expected a number")
    return table.error(chunk[0][0], "a number that can't be read, here or in the lines below")


def image_shape(table: Table, columns: PixelColumns, wanted: Shape | None) -> Shape:
    """Height, width and channels: what is wanted, else as the header says, else a square."""
    count = len(columns.pixels)
    places = [PLACE.fullmatch(table.header[k]) for k in columns.pixels] if table.header else [None]
    if wanted is None and all(places):
        rows, across = (max(int(place[k]) for place in places if place) for k in (1, 2))
        wanted = (rows, across, max(1, count // (rows * across)))
    if wanted is None:
        wanted = _side(count)
    if wanted is None:
        raise DataError(
            f"{table.path}: {count:,} columns of pixels make no square image, grey or RGB; give "
            "the shape (--image-shape HxWxC, image_shape=)"
        )
    if math.prod(wanted) != count:
        shape = "x".join(map(str, wanted))
        raise DataError(f"{table.path}: {count:,} columns of pixels are no {shape} images")
    return wanted


def _side(count: int) -> Shape | None:
    """The shape of a square image of so many numbers, grey or RGB."""
    for channels in (1, 3):
        side = math.isqrt(count // channels)
        if side * side * channels == count:
            return side, side, channels
    return None
