"""Locks in forked children: one that another thread held while the process forked is made anew.

That thread does not exist in the child, so nobody would ever release it. A lock that was free, or
that the forking thread itself holds, goes on as it is.
"""

import os
from collections.abc import Callable
from threading import RLock
from typing import Any
from weakref import WeakKeyDictionary

_owners: "WeakKeyDictionary[Any, tuple[str, Callable[[Any], object] | None]]"
_owners = WeakKeyDictionary()


def renew_in_children(owner: Any, name: str, lost: "Callable[[Any], object] | None" = None) -> None:
    """Watch the lock owner.<name>. lost(owner): called in a child for which it was made anew.

    What the lock guards may be in the middle of a change then: `lost` puts it right. A function
    of the class and not a bound method, which would keep the owner alive.
    """
    _owners[owner] = name, lost


def _after_fork() -> None:
    for owner, (name, lost) in list(_owners.items()):
        lock = getattr(owner, name)
        if lock.acquire(False):
            lock.release()
            continue
        setattr(owner, name, RLock())
        if lost is not None:
            lost(owner)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
