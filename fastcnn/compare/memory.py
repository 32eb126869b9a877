"""How much memory this process needed at most."""

import contextlib
import ctypes
import gc
from pathlib import Path

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
RESET_PEAK = "5"  # of /proc/PID/clear_refs: the peak becomes what is in use now


class PeakMemory:
    """Bytes by which the process grew at its peak, from `start` on; None where nobody tells.

    Linux counts the peak of a process's life; it is reset, and what earlier fits freed is given
    back, so that models that share a process do not see each other.
    """

    def start(self) -> None:
        gc.collect()
        _give_back()
        try:
            CLEAR.write_text(RESET_PEAK)
            self._before = _bytes("VmRSS")
        except OSError:
            self._before = None

    def growth(self) -> int | None:
        peak = _bytes("VmHWM")
        return None if self._before is None or peak is None else max(0, peak - self._before)


def _bytes(name: str) -> int | None:
    try:
        lines = STATUS.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name)), None)


def _give_back() -> None:
    """Freed memory back to the system: glibc keeps it, and the next fit would seem to need less."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
