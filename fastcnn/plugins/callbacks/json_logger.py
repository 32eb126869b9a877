"""The figures of each epoch as a line of JSON."""

import json
import math
from typing import Any

from fastcnn.errors import DataError
from fastcnn.plugins.registry import callbacks
from fastcnn.training.checked import Table, parse_json
from fastcnn.training.epoch_log import EpochLog, Row
from fastcnn.training.model_file import write_text


@callbacks.register("json_logger")
class JSONLogger(EpochLog):
    """A line {"epoch": 1, "loss": 0.3, ...} for each epoch, counted from 1 (JSON lines).

    Figures that are no finite numbers become null. Every call of `fit` begins the file anew, unless
    it goes on with a training (`initial_epoch`): then it goes on with the file, too, without lines
    of epochs that a crash undid. append: what begins anew is written below the lines of others
    instead of over them.
    """

    def read(self) -> list[Row]:
        try:
            lines = self.path.read_text("utf-8").splitlines()
        except ValueError as error:
            raise DataError(f"{self.path} holds no JSON lines to append to: {error}") from error
        where = f"{self.path}, to whose lines others are to be appended,"
        return [
            Table(parse_json(line, where, DataError), where, DataError).values for line in lines
        ]

    def write(self, rows: list[Row]) -> None:
        write_text(self.path, "".join(map(_line, rows)))

    def add(self, row: Row) -> None:
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(_line(row))


def _line(row: Row) -> str:
    return json.dumps({name: _finite(value) for name, value in row.items()}) + "\n"


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
