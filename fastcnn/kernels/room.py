"""How much memory arrays may take, asked before they are made: a small file could ask for any.

A system that promises more memory than it has would end the process later, in the middle of work.
"""

import os
from functools import cache
from pathlib import Path

from fastcnn.errors import OptionError

CGROUP = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@cache
def memory() -> int | None:
    """Bytes that this process may use: those of the machine, of its container, of its limits."""
    found = [_machine(), *map(_number_in, CGROUP), _own_limit()]
    return min((size for size in found if size), default=None)


def check_room(needed: int, what: str) -> None:
    """Raise if these bytes are more than half of all memory that there is."""
    there = memory()
    if there is not None and needed > there // 2:
        raise OptionError(
            f"{what} would take {text(needed)} of memory; the limit is {text(there // 2)}, half of "
            "what there is"
        )


def text(size: int) -> str:
    """ "1.8 PiB" """
    units = ("MiB", "GiB", "TiB", "PiB", "EiB")
    power = min(max(size.bit_length() // 10 - 2, 0), len(units) - 1)
    return f"{size / 2 ** (20 + 10 * power):,.1f} {units[power]}"


def _machine() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _number_in(path: str) -> int | None:
    try:
        return int(Path(path).read_text())
    except (OSError, ValueError):  # no such file, or "max"
        return None


def _own_limit() -> int | None:
    try:
        import resource
    except ImportError:
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit
