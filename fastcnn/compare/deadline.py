"""An end to fits that do not end by themselves."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from typing import Any


class OverBudget(Exception):
    """A fit that was not done in time."""


class Deadline:
    """A context that ends the process if it lasts longer than so many seconds; None: it never does.

    Nothing less ends a fit for sure: a long call into C hears of no signal and of no exception.
    """

    def __init__(self, seconds: float | None) -> None:
        self._timer = None if seconds is None else threading.Timer(seconds, os._exit, (1,))

    def __enter__(self) -> "Deadline":
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()


def in_own_process(function: Callable[..., Any], *arguments: Any, budget: float) -> Any:
    """What the function returns, from a process that it may end with a Deadline of `budget`."""
    from joblib.externals.loky import ProcessPoolExecutor

    executor = ProcessPoolExecutor(1)
    started = time.perf_counter()
    try:
        return executor.submit(function, *arguments).result()
    except BrokenProcessPool as error:
        if time.perf_counter() - started < budget:
            raise
        raise OverBudget from error
    finally:
        executor.shutdown(wait=True, kill_workers=True)
