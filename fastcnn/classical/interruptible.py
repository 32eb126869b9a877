"""Ctrl-C while a library's C code runs."""

import threading
from collections.abc import Callable
from typing import Any

NAME = "fastcnn-work"  # of the threads that work; the command line does not wait for them


def interruptible(*parts: Callable[[], Any]) -> Any:
    """What the last part returns, or what one raises; KeyboardInterrupt comes at once.

    Python handles signals in the main thread between two of its own steps, which libsvm's minutes
    are not. So the main thread waits while another one works. After an interrupt no part is begun;
    the end of the process waits for the running one, since C code must not outlive its memory.
    """
    if threading.current_thread() is not threading.main_thread():
        return [part() for part in parts][-1]
    outcome: dict[str, Any] = {}
    stopped = threading.Event()

    def run() -> None:
        try:
            for part in parts:
                if not stopped.is_set():
                    outcome["value"] = part()
        except BaseException as error:
            outcome["error"] = error

    worker = threading.Thread(target=run, name=NAME)
    worker.start()
    try:
        worker.join()
    except BaseException:
        stopped.set()
        raise
    if "error" in outcome:
        raise outcome["error"]
    return outcome["value"]
