"""An end to fits that do not end by themselves."""

import signal
import threading
import time
from typing import Any

from fastcnn.training.duration import duration_text


class OverBudget(BaseException):
    """No Exception: searches over parameters catch those and go on with the next."""


class TimeLimit:
    """A context that raises OverBudget after so many seconds; None: never.

    In the main thread of a process, a signal ends the code as soon as Python gets hold of it, which
    may be after a long call into C; in other threads nothing ends before its time.
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        in_main = threading.current_thread() is threading.main_thread()
        self._signals = seconds is not None and in_main and hasattr(signal, "setitimer")

    def __enter__(self) -> "TimeLimit":
        self._started = time.perf_counter()
        if self._signals:
            self._before = signal.signal(signal.SIGALRM, self._raise)
            signal.setitimer(signal.ITIMER_REAL, self.seconds or 0)
        return self

    def __exit__(self, kind: Any, *rest: Any) -> None:
        if self._signals:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._before)
        late = self.seconds is not None and time.perf_counter() - self._started > self.seconds
        if kind is None and late:
            self._raise()

    def _raise(self, *signal_and_frame: Any) -> None:
        raise OverBudget(f"not done within the budget of {duration_text(self.seconds or 0)}")
