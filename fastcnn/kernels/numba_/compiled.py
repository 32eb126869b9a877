"""From a Python function to a C function that the driver calls: compiled once, kept on disk."""

import hashlib
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from types import FunctionType
from typing import Any

import numba
import numpy as np
from llvmlite.binding import ffi
from numba.core import types
from numba.core.bytecode import FunctionIdentity
from numba.core.compiler_lock import global_compiler_lock
from numba.core.config import CACHE_DIR

from fastcnn.kernels.numba_.helper import helper
from fastcnn.locks import renew_in_children

# One for all of Numba's compiling, and one for all calls of LLVM.
for _owner in (global_compiler_lock, getattr(ffi.lib, "_lock", None)):
    if hasattr(_owner, "_lock"):
        renew_in_children(_owner, "_lock")

SOURCES = Path(__file__).parent


@cache
def cache_dir() -> Path | None:
    """Where compiled kernels are kept: NUMBA_CACHE_DIR, else the user's cache; None: nowhere.

    The folder's name depends on the sources of all helpers, which Numba itself does not look at.
    """
    base = Path(CACHE_DIR) if CACHE_DIR else user_cache() / "fastcnn" / "numba"
    folder = base / f"fastcnn-{_fingerprint()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError:
        return None
    return folder


def user_cache() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _fingerprint() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(SOURCES.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _cached_in(folder: Path | None) -> Iterator[bool]:
    """Numba looks at its option when a function asks for caching, so it is changed around that.

    And it tells functions of one name apart by numbers that count up in each process: of two that
    were kept by two processes under one number, a third one would link the first for both.
    """
    from numba.core import config

    FunctionIdentity._unique_ids = count(secrets.randbits(60))
    old, config.CACHE_DIR = config.CACHE_DIR, str(folder or "")
    try:
        yield folder is not None
    finally:
        config.CACHE_DIR = old


def compile_driver(signature: str) -> Callable:
    """Decorator: an njit function of this signature that releases the GIL, kept on disk."""

    def decorate(function: Callable) -> Any:
        with _cached_in(cache_dir()) as kept:
            return numba.njit(signature, nogil=True, cache=kept, error_model="numpy")(function)

    return decorate


# ---- entries: all kernels have the same C signature, so the driver can call any of them


def _entry(words, number, count, scratch, floats, blocks):
    work = Share(number, count, floats_at(scratch, floats))  # type: ignore # noqa: F821
    kernel(work, *arguments(words, blocks))  # type: ignore # noqa: F821


ENTRY = types.void(*[types.int64] * 6)


def tensor_type(dtype: np.dtype, axes: int, strided: bool) -> types.Array:
    """Activations (3 or 5 axes) have halos, so their strides are read."""
    layout = "A" if strided or axes in (3, 5) else "C"
    return types.Array(numba.from_dtype(dtype), axes, layout)


@cache
def compile_entry(
    function: Callable, tensors: tuple[tuple[types.Array, bool], ...], params: tuple
) -> int:
    """Address of the C function that reads its arguments from words and calls `function`."""
    from fastcnn.kernels.numba_.machine import argument_reader, floats_at
    from fastcnn.kernels.numba_.share import Share

    names = {
        "kernel": helper(function),
        "arguments": argument_reader(list(tensors), list(params)),
        "floats_at": floats_at,
        "Share": Share,
        "__name__": function.__module__,
    }
    name = "_".join([function.__name__, *sorted({str(kind.dtype) for kind, _ in tensors})])
    place = function.__code__
    code = _entry.__code__.replace(
        co_name=name, co_filename=place.co_filename, co_firstlineno=place.co_firstlineno
    )
    entry = FunctionType(code, names, name)
    entry.__qualname__ = name
    entry.__module__ = function.__module__
    # Numba finds functions again by their file and line: one typed into a terminal has none, and
    # what a function makes differs from one call to the next.
    own = os.path.exists(place.co_filename) and function.__closure__ is None
    folder = cache_dir() if own else None
    with _cached_in(folder) as kept:
        compiled = numba.cfunc(ENTRY, cache=kept, error_model="numpy")(entry)
    _kept_alive.append(compiled)
    return compiled.address


_kept_alive: list[Any] = []
