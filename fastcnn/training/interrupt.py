"""Ctrl-C, SIGTERM and SIGHUP end training after the running batch."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from fastcnn.engine.callback import Callback
from fastcnn.signals import Interrupted, handle, restore


class StopOnSignal(Callback):
    """Use as a context around `fit`, and as one of its callbacks.

    The first signal asks training to stop, the second one interrupts at once.
    """

    def __init__(self) -> None:
        self.received = 0  # the number of the first signal
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "StopOnSignal":
        self._process = os.getpid()
        self._before = handle(self._stop)
        return self

    def __exit__(self, *exception: Any) -> None:
        restore(self._before)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a forked child, which trains nothing
            restore(self._before)
            os.kill(os.getpid(), number)
        elif self.received:
            raise Interrupted(number)
        else:
            self.received = number

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        self.model.stop_training |= bool(self.received)

    def on_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        if self.received:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        self.on_batch_end(0, logs)


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """They raise KeyboardInterrupt: for work that can't be gone on with."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Interrupted(number)

    before = handle(interrupt)
    try:
        yield
    finally:
        restore(before)
