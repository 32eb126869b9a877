"""Locks in forked children: one that another thread held while the process forked is made anew.

That thread does not exist in the child, so nobody would ever release it. A lock that was free, or
that the forking thread itself holds, goes on as it is.
"""

import os
from collections.abc import Callable
from threading import RLock
from typing import Any
from weakref import ref

Lost = Callable[[Any], object]

# No weak dictionary: its entries go by a function in Python, and an interrupt that comes while
# that runs is lost, because nobody can catch it.
_watched: "list[tuple[ref[Any], str, Lost | None]]" = []
_tidying = RLock()
_tidy_at = 100  # entries, after which those of owners that are gone are dropped


def renew_in_children(owner: Any, name: str, lost: Lost | None = None) -> None:
    """Watch the lock owner.<name>. lost(owner): called in a child for which it was made anew.

    What the lock guards may be in the middle of a change then: `lost` puts it right. A function
    of the class and not a bound method, which would keep the owner alive.
    """
    global _tidy_at
    with _tidying:
        _watched.append((ref(owner), name, lost))
        if len(_watched) >= _tidy_at:
            _watched[:] = [entry for entry in _watched if entry[0]() is not None]
            _tidy_at = 2 * len(_watched) + 100


def watched() -> list[tuple[Any, str, Lost | None]]:
    """(owner, name, lost) of all locks that there are."""
    found = [(owner(), name, lost) for owner, name, lost in list(_watched)]
    return [entry for entry in found if entry[0] is not None]


def _after_fork() -> None:
    global _tidying
    _tidying = RLock()
    for owner, name, lost in watched():
        lock = getattr(owner, name)
        if lock.acquire(False):
            lock.release()
            continue
        setattr(owner, name, RLock())
        if lost is not None:
            lost(owner)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
