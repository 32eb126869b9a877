"""A progress bar on the terminal."""

import time
from typing import Any

from fastcnn.engine.callback import Callback
from fastcnn.plugins.registry import callbacks
from fastcnn.text import screen, show_line
from fastcnn.training.duration import duration_text
from fastcnn.training.progress import (
    UNLIMITED,
    Throughput,
    epoch_line,
    epoch_number,
    figures_text,
)

REDRAW_SECONDS = 0.1  # drawing costs more than a small batch


@callbacks.register("progress_bar")
class ProgressBar(Callback):
    """A bar for the running epoch, rate, time left for all epochs; finished epochs above it.

    It is drawn on stderr. `fit(verbose=1)` shows it on a terminal by itself.
    """

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        self._drawn = 0.0
        self._meter = Throughput()
        self._meter.model = self.model
        self._started = time.perf_counter()
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[figures]}"),
            console=screen(),
            auto_refresh=False,
            transient=True,
        )
        fields: dict[str, Any] = {"epoch": self._number(), "rate": "", "figures": ""}
        self._task = self._progress.add_task("", total=self.params["samples"], **fields)
        self._progress.start()

    def _number(self) -> str:
        epochs = self.params["epochs"]
        return epoch_number(min(self.model.progress.epoch, epochs - 1), epochs)

    def on_batch_begin(self, batch: int, logs: dict[str, Any]) -> None:
        self._meter.on_batch_begin(batch, logs)

    def on_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        self._meter.on_batch_end(batch, logs)
        now = time.perf_counter()
        if now - self._drawn < REDRAW_SECONDS:
            return
        self._drawn = now
        rate = f"{self._meter.images_per_second:,.0f} images/s{self._left(now)}"
        self._progress.update(
            self._task,
            completed=self.model.progress.seen,
            epoch=self._number(),
            figures=figures_text(logs),
            rate=rate,
            refresh=True,
        )

    def _left(self, now: float) -> str:
        """Wall time, validation and checkpoints included, which the rate leaves out."""
        progress, epochs = self.model.progress, self.params["epochs"]
        samples = self.params["samples"]
        if epochs >= UNLIMITED or samples is None:
            return ""
        images = (epochs - progress.epoch) * samples - progress.seen
        return f", {duration_text(images * (now - self._started) / self._meter.images)} left"

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        line = epoch_line(epoch, self.params["epochs"], logs)
        show_line(self._progress.console, line)

    def on_train_end(self, logs: dict[str, Any]) -> None:
        self._progress.stop()
