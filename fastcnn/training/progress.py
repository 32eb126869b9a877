"""What `fit` shows while it runs: a progress bar on a terminal, otherwise a line for each epoch."""

import sys
import time
from collections.abc import Sequence
from typing import Any

from fastcnn.engine.callback import Callback
from fastcnn.plugins.registry import callbacks, make
from fastcnn.text import say

UNLIMITED = 10**6  # epochs: something else ends training


def progress_callbacks(verbose: int, given: Sequence[Callback]) -> list[Callback]:
    """verbose 1: bar if stderr is a terminal, else lines; 2: lines; 0, or if given: none."""
    if any(callback.registered_name == "progress_bar" for callback in given):
        return []
    if verbose == 1 and sys.stderr.isatty():
        return [make(callbacks, "progress_bar")]
    return [EpochLines()] if verbose else []


def figures_text(logs: dict[str, Any]) -> str:
    """ "loss 0.0412  accuracy 0.9871  val_loss ..." """
    hidden = ("seconds", "learning_rate")
    return "  ".join(f"{name} {value:.4f}" for name, value in logs.items() if name not in hidden)


def epoch_number(epoch: int, epochs: int) -> str:
    """ "3/20" for the third, which is epoch 2; "3" if nobody knows how many there will be."""
    return str(epoch + 1) if epochs >= UNLIMITED else f"{epoch + 1}/{epochs}"


def epoch_line(epoch: int, epochs: int, logs: dict[str, Any]) -> str:
    """ "epoch  3/20  4.1 s  loss 0.0412  accuracy 0.9871  val_loss ..." """
    width = 3 if epochs >= UNLIMITED else len(f"{epochs}/{epochs}")
    number = epoch_number(epoch, epochs).rjust(width)
    return f"epoch {number}  {logs['seconds']:.1f} s  {figures_text(logs)}"


class EpochLines(Callback):
    """One line on stderr for each epoch."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        say(epoch_line(epoch, self.params["epochs"], logs), err=True)


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
