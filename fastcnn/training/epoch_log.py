"""A file with a row for each epoch, which a resumed training goes on with."""

from abc import abstractmethod
from pathlib import Path
from typing import Any

from fastcnn.engine.callback import Callback

Row = dict[str, Any]


class EpochLog(Callback):
    """Base of the loggers that write files. Epochs are counted from 1."""

    def __init__(self, filename: str | Path, append: bool = False) -> None:
        self.path = Path(filename)
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
        done = self.model.progress.epoch
        rows = self.read() if (done or self.append) and self.path.exists() else []
        # After a crash the file may be ahead of the checkpoint.
        self.write(rows[: _last_start(rows) + done] if done else rows)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        self.add({"epoch": epoch + 1, **logs})


def _last_start(rows: list[Row]) -> int:
    """Where the last training in the file begins."""
    starts = [k for k, row in enumerate(rows) if str(row.get("epoch")) == "1"]
    return starts[-1] if starts else 0
