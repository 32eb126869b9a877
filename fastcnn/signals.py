"""Signals that end a command: Ctrl-C, SIGTERM and SIGHUP (a terminal that closes)."""

import os
import signal
from types import FrameType
from typing import Any

SIGNALS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


class Interrupted(KeyboardInterrupt):
    """By a signal, whose number decides the exit code of the command line."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def exit_code(number: int) -> int:
    """130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP, as shells have it."""
    return 128 + number


def handle(handler: Any) -> dict[int, Any]:
    """Let it hear of them; the handlers before, by signal.

    One that is ignored stays so: nohup and shells' background jobs ask for that.
    """
    wanted = [s for s in SIGNALS if signal.getsignal(s) != signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in wanted}


def restore(handlers: dict[int, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


class Listener:
    """What the process of a command does with them, from its first moment to its last.

    While a command runs, an exception lets it put its files in order. Before, after and while a
    module is being imported nothing is open yet, and libraries may swallow an exception or make
    another one of it: then one line is written, and the process ends at once.
    """

    def __init__(self) -> None:
        self.working = False  # whether a command runs

    def listen(self) -> None:
        self._process = os.getpid()
        self._before = handle(self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a forked child: no command of its own
            restore(self._before)
            os.kill(os.getpid(), number)
        elif self.working and not _importing(frame):
            raise Interrupted(number)
        else:
            os.write(2, b"fastcnn: interrupted\n")
            os._exit(exit_code(number))


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


listener = Listener()
