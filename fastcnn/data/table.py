"""CSV files: header, separator and lines, with errors that name the line and the column.

Text is UTF-8, gzip or not; the separator is a comma, semicolon or tab, whichever is in the first
line most often. A header is a first line with text in it and no number twice, or that counts its
columns.
"""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fastcnn.data.rawfile import open_raw
from fastcnn.errors import DataError

SEPARATORS = ",;\t"
LONGEST = 1 << 24  # bytes of a line: more is no table, and would fill memory
Line = tuple[int, str]  # the number of a line, from 1, and its text


@dataclass(frozen=True)
class Table:
    """What the first line says; header: empty if there is none."""

    path: Path
    header: tuple[str, ...]
    columns: int
    separator: str

    @contextmanager
    def lines(self) -> Iterator[Iterator[Line]]:
        """The lines with data in them; each has the right number of columns, unless quoted."""
        with _text_lines(self.path) as lines:
            if self.header:
                next(lines)
            yield ((number, self._checked(number, text)) for number, text in lines)

    def _checked(self, number: int, text: str) -> str:
        found = text.count(self.separator) + 1
        if found != self.columns and '"' not in text:
            raise self.error(number, f"{found:,} columns; expected {self.columns:,}")
        return text

    def error(self, number: int, text: str) -> DataError:
        return DataError(f"{self.path}, line {number:,}: {text}")

    def title(self, column: int) -> str:
        """ "column 3 (pixel2)"."""
        name = f" ({self.header[column]})" if self.header else ""
        return f"column {column + 1:,}{name}"

    def split(self, line: Line) -> list[str]:
        """The cells of a line, which may be quoted."""
        cells = _cells(line[1], self.separator)
        if cells is None:
            raise self.error(line[0], "quotes or line ends that are no CSV")
        if len(cells) != self.columns:
            raise self.error(line[0], f"{len(cells):,} columns; expected {self.columns:,}")
        return cells


def open_table(path: str | Path) -> Table:
    """Read the first line."""
    path = Path(path)
    with _text_lines(path) as lines:
        _, first = next(lines, (0, ""))
    if not first:
        raise DataError(f"{path}: no lines in it; expected a table (CSV)")
    separator = max(SEPARATORS, key=first.count)
    cells = _cells(first, separator)
    if cells is None:
        raise DataError(f"{path}: a first line that is no CSV")
    header = tuple(cells) if _is_header(cells) else ()
    return Table(path, header, len(cells), separator)


def _cells(text: str, separator: str) -> list[str] | None:
    """The cells of a line without spaces around them; None if it is no CSV."""
    try:
        return [cell.strip() for cell in next(csv.reader([text], delimiter=separator), [])]
    except csv.Error:
        return None


def _is_header(cells: list[str]) -> bool:
    counts = [cell for cell in cells if cell]
    if len(counts) > 2 and counts == [str(n) for n in range(len(counts))]:
        return True  # what pandas writes above a table without names
    numbers = [cell for cell in cells if cell and is_number(cell)]
    # Names differ from each other; numbers beside a text label, or a slip, hardly do.
    return len(numbers) < len(list(filter(None, cells))) and len(set(numbers)) == len(numbers)


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


@contextmanager
def _text_lines(path: Path) -> Iterator[Iterator[Line]]:
    """Lines without their ends; empty ones are passed over."""
    with open_raw(path) as file:

        def lines() -> Iterator[Line]:
            for number, data in enumerate(file.lines(LONGEST), 1):
                try:
                    text = data.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                except UnicodeDecodeError:
                    raise DataError(f"{path}, line {number:,}: not UTF-8 text") from None
                if "\0" in text:
                    raise DataError(f"{path}, line {number:,}: not UTF-8 text, or no text at all")
                if text.strip():
                    yield number, text

        yield lines()
