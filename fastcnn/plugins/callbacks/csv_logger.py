"""The figures of each epoch as a row of a CSV file."""

import csv
import io
from pathlib import Path
from typing import Any

from fastcnn.errors import OptionError
from fastcnn.plugins.registry import callbacks
from fastcnn.text import csv_cell
from fastcnn.training.epoch_log import EpochLog, Row
from fastcnn.training.model_file import write_text


@callbacks.register("csv_logger")
class CSVLogger(EpochLog):
    """A row for each epoch: its number from 1, and its figures. The first row names the columns.

    Every call of `fit` begins the file anew, unless it goes on with a training (`initial_epoch`):
    then it goes on with the file, too, without rows of epochs that a crash undid.
    append: what begins anew is written below the rows of others instead of over them.
    """

    def __init__(self, filename: str | Path, separator: str = ",", append: bool = False) -> None:
        super().__init__(filename, append)
        if len(separator) != 1 or separator in '"\r\n':
            raise OptionError(f"separator must be one character, not {separator!r}")
        self.separator = separator
        self._columns: list[str] = []

    def read(self) -> list[Row]:
        with open(self.path, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, delimiter=self.separator))

    def write(self, rows: list[Row]) -> None:
        rows = [_cells(row) for row in rows]
        self._columns = list(dict.fromkeys(name for row in rows for name in row))
        write_text(self.path, self._text(rows, header=bool(rows)))

    def add(self, row: Row) -> None:
        row = _cells(row)
        if not set(row) <= set(self._columns):
            self.write([*self.read(), row])  # a new figure gets its column in all rows
            return
        with open(self.path, "a", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.write(self._text([row], header=False))

    def _text(self, rows: list[Row], header: bool) -> str:
        text = io.StringIO()
        writer: Any = csv.DictWriter(
            text, self._columns, delimiter=self.separator, lineterminator="\n"
        )
        if header:
            writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()


def _cells(row: Row) -> Row:
    """What is in a file already stays as it is."""
    return {str(csv_cell(name)): csv_cell(value) for name, value in row.items()}
