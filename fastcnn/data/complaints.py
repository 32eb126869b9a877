"""What C libraries print on stderr, caught, so that it can be told with the file's name.

libjpeg and libpng write straight to file descriptor 2 and know no file name. While a picture is
decoded the descriptor leads into a temporary file. One thread at a time: what others print
meanwhile is written out right afterwards, unless it looks like a complaint of these libraries.
"""

import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

STDERR = 2
MOST = 1 << 16  # bytes that are read back of one picture's complaints
KNOWN = re.compile(
    r"^(libpng (?:warning|error)|Corrupt JPEG data|Premature end of JPEG|JPEG datastream|"
    r"Invalid (?:JPEG|SOS|component)|Unsupported (?:JPEG|marker)|Warning: unknown JFIF|"
    r"Inconsistent progression|Unknown Adobe|Application transferred|TIFF\w+:|Bogus |"
    r"Huffman |Quantization table|Not a JPEG|Improper call|Insufficient memory|"
    r"\[ ?(?:WARN|ERROR|INFO):)"
)


class _Catcher:
    """The lock, the temporary file, and where descriptor 2 led before it was bent."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.file: IO[bytes] | None = None
        self.kept: int | None = None

    def spool(self) -> IO[bytes]:
        if self.file is None:
            self.file = tempfile.TemporaryFile()  # noqa: SIM115
        return self.file

    def begin_again(self) -> None:
        """In a child of `fork`, whose parent may have been in the midst of a picture."""
        if self.kept is not None:
            os.dup2(self.kept, STDERR)
            os.close(self.kept)
        self.__init__()  # type: ignore[misc]


_catcher = _Catcher()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_catcher.begin_again)


@contextmanager
def catch_complaints() -> Iterator[list[str]]:
    """Lines that libraries print in the meantime, there when the block has ended."""
    lines: list[str] = []
    with _catcher.lock:
        try:
            spool = _catcher.spool()
            kept = os.dup(STDERR)
        except OSError:  # stderr is closed, or there is no place for a file: they are printed
            yield lines
            return
        _catcher.kept = kept
        try:
            os.dup2(spool.fileno(), STDERR)
            yield lines
        finally:
            os.dup2(kept, STDERR)
            _catcher.kept = None
            os.close(kept)
            lines += _sort_out(spool)


def _sort_out(spool: IO[bytes]) -> list[str]:
    """Complaints; all else goes on to where it was meant to go."""
    size = os.fstat(spool.fileno()).st_size
    if not size:
        return []
    spool.seek(0)
    text = spool.read(MOST).decode("utf-8", "replace")
    spool.seek(0)
    os.ftruncate(spool.fileno(), 0)
    alone = threading.active_count() == 1  # then nobody else can have printed
    complaints: list[str] = []
    others: list[str] = []
    for line in text.splitlines(keepends=True):
        (complaints if alone or KNOWN.match(line) else others).append(line)
    if others:
        os.write(STDERR, "".join(others).encode("utf-8", "replace"))
    return list(dict.fromkeys(line.strip() for line in complaints if line.strip()))
