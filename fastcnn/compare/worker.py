"""How a process that runs jobs behaves: it leaves Ctrl-C to its parent, and dies with it.

A comparison that is killed would otherwise leave fits behind that go on for minutes.
"""

import os
import signal
import threading
import time

POLL_SECONDS = 0.5

_watching = 0  # number of the process that has the thread; a forked child has not


def obey(parent: int) -> None:
    """Called at the beginning of each job; does nothing in a process that is no child of parent."""
    global _watching
    if _watching == os.getpid() or os.getppid() != parent:
        return
    _watching = os.getpid()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os._exit(1)
