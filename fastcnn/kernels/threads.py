"""How many threads kernels may use."""

import os
from functools import cache
from numbers import Integral
from pathlib import Path
from typing import Any

from fastcnn.errors import OptionError
from fastcnn.kernels.backends import has_native

MAX_THREADS = 1024  # memory is taken for each, whether or not the system has as many

_forked_after_parallel = False
_ran_parallel = False


def default_threads() -> int:
    """Cores this process may use, within what OMP_NUM_THREADS, threadpoolctl or joblib allow."""
    return max(1, min(_allowed_threads(), effective_cores()))


def _allowed_threads() -> int:
    kernels = _compiled()
    if kernels is not None:
        return kernels.max_threads()
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    return int(first) if first.isdecimal() else MAX_THREADS


def has_openmp() -> bool:
    """Whether there are compiled kernels, and they have threads."""
    kernels = _compiled()
    return kernels is not None and kernels.has_openmp()


@cache
def _compiled() -> Any:
    """The extension, or None where the package was built without a compiler."""
    if not has_native():
        return None
    from fastcnn import _kernels

    return _kernels


def resolve_threads(threads: int | None) -> int:
    """A wanted number of threads, or the default."""
    if threads is None:
        return default_threads()
    whole = type(threads) is int or (
        isinstance(threads, Integral) and not isinstance(threads, bool)
    )
    if not (whole and 1 <= threads <= MAX_THREADS):
        raise OptionError(f"threads must be an integer from 1 to {MAX_THREADS}, not {threads!r}")
    return int(threads)


def enter_run(threads: int) -> int:
    """How many threads a program may run on now, of those wanted; it runs right after this.

    1 in a child that was forked after a parallel run.
    """
    global _ran_parallel
    if _forked_after_parallel:
        return 1
    _ran_parallel = _ran_parallel or threads > 1
    return threads


@cache
def effective_cores() -> int:
    """Cores by affinity and by the container's CPU quota."""
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return cores if quota == "max" else max(1, min(cores, -(-int(quota) // int(period))))
    except (OSError, ValueError):
        return cores


def _after_fork() -> None:
    # The threads do not exist in the child, whose lock may be one that they held.
    global _forked_after_parallel
    _forked_after_parallel = _ran_parallel


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
