"""What `fit` shows while it runs: a progress bar on a terminal, otherwise a line for each epoch."""

import sys
import time
from typing import Any

from fastcnn.engine.callback import Callback

REDRAW_SECONDS = 0.1  # drawing costs more than a small batch


def progress_callback(verbose: int, epochs: int, samples: int) -> Callback:
    """verbose 1: bar if stderr is a terminal, else lines; 2: lines."""
    if verbose == 1 and sys.stderr.isatty():
        return ProgressBar(epochs, samples)
    return EpochLines(epochs)


def figures_text(logs: dict[str, Any]) -> str:
    """ "loss 0.0412  accuracy 0.9871  val_loss ..." """
    return "  ".join(f"{name} {value:.4f}" for name, value in logs.items() if name != "seconds")


def epoch_line(epoch: int, epochs: int, logs: dict[str, Any]) -> str:
    """ "epoch  3/20  4.1 s  loss 0.0412  accuracy 0.9871  val_loss ..." """
    number = f"{epoch + 1:{len(str(epochs))}}/{epochs}"
    return f"epoch {number}  {logs['seconds']:.1f} s  {figures_text(logs)}"


def duration(seconds: float) -> str:
    """ "42 s", "3 min 05 s", "2 h 07 min" """
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


class EpochLines(Callback):
    """One line on stderr for each epoch."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        print(epoch_line(epoch, self.epochs, logs), file=sys.stderr, flush=True)


class Throughput(Callback):
    """Images, and the seconds spent on them: batches only, no validation, no checkpoints."""

    def __init__(self) -> None:
        self.images = 0
        self.seconds = 0.0
        self._started = 0.0
        self._seen = 0

    def on_batch_begin(self, batch: int, logs: dict[str, Any]) -> None:
        self._seen = self.model.progress.seen
        self._started = time.perf_counter()

    def on_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        self.seconds += time.perf_counter() - self._started
        self.images += self.model.progress.seen - self._seen

    @property
    def images_per_second(self) -> float:
        return self.images / self.seconds if self.seconds else 0.0


class ProgressBar(EpochLines):
    """A bar for the running epoch, rate, time left for all epochs; finished epochs above it."""

    def __init__(self, epochs: int, samples: int) -> None:
        super().__init__(epochs)
        self.samples = samples
        self._drawn = 0.0
        self._meter = Throughput()

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        self._meter.model = self.model
        self._started = time.perf_counter()
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[figures]}"),
            console=Console(stderr=True),
            auto_refresh=False,
            transient=True,
        )
        fields: dict[str, Any] = {"epoch": self._number(), "rate": "", "figures": ""}
        self._task = self._progress.add_task("", total=self.samples, **fields)
        self._progress.start()

    def _number(self) -> str:
        return f"{min(self.model.progress.epoch + 1, self.epochs)}/{self.epochs}"

    def on_batch_begin(self, batch: int, logs: dict[str, Any]) -> None:
        self._meter.on_batch_begin(batch, logs)

    def on_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        self._meter.on_batch_end(batch, logs)
        now = time.perf_counter()
        if now - self._drawn < REDRAW_SECONDS:
            return
        self._drawn = now
        rate = f"{self._meter.images_per_second:,.0f} images/s, {self._left(now)} left"
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
        progress = self.model.progress
        images = (self.epochs - progress.epoch) * self.samples - progress.seen
        return duration(images * (now - self._started) / self._meter.images)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        line = epoch_line(epoch, self.epochs, logs)
        self._progress.console.print(line, highlight=False, soft_wrap=True)

    def on_train_end(self, logs: dict[str, Any]) -> None:
        self._progress.stop()
