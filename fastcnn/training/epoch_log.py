"""A file with a row for each epoch, which a training that goes on goes on with."""

from abc import abstractmethod
from pathlib import Path
from typing import Any

from fastcnn.engine.callback import Callback
from fastcnn.errors import OptionError, told

Row = dict[str, Any]


class EpochLog(Callback):
    """Base of the loggers that write files. Epochs are counted from 1."""

    paths = ("filename",)

    def __init__(self, filename: str | Path, append: bool = False) -> None:
        self.path = Path(filename)
        if not self.path.name:
            raise OptionError(f"filename must name a file, not {told(filename)}")
        self.append = append

    @abstractmethod
    def read(self) -> list[Row]:
        """The rows of the file, which exists."""

    @abstractmethod
    def write(self, rows: list[Row]) -> None:
        """These rows instead of what the file held."""

    @abstractmethod
    def add(self, row: Row) -> None:
        """One more row at the end."""

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        first = self.params["first_epoch"]
        done = self.model.progress.epoch - first
        rows = self.read() if (done or self.append) and self.path.exists() else []
        self.write(self._of_before(rows, first + 1, done) if done else rows)

    def _of_before(self, rows: list[Row], first: int, done: int) -> list[Row]:
        """Up to the last training that began with epoch `first`, and so many rows of that.

        After a crash the file may be ahead of the checkpoint.
        """
        starts = [k for k, row in enumerate(rows) if str(row.get("epoch")) == str(first)]
        if not starts:
            return rows if self.append else []
        return rows[: starts[-1] + done]

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        self.add({"epoch": epoch + 1, **logs})
