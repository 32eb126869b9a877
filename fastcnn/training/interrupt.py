"""Ctrl-C and SIGTERM end training after the running batch."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from fastcnn.engine.callback import Callback


class StopOnSignal(Callback):
    """Use as a context around `fit`, and as one of its callbacks.

    The first signal asks training to stop, the second one interrupts at once.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.received = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "StopOnSignal":
        self._before = {number: signal.signal(number, self._stop) for number in self.SIGNALS}
        return self

    def __exit__(self, *exception: Any) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self.received:
            raise KeyboardInterrupt
        self.received = True

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        self.model.stop_training |= self.received

    def on_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        if self.received:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        self.on_batch_end(0, logs)


@contextmanager
def terminate_interrupts() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt, as Ctrl-C does: for work that can't be gone on with."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
