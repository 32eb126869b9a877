"""Bytes of plain or gzip files, never more of them than the reader expects."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from fastcnn.errors import DataError

GZIP_MAGIC = b"\x1f\x8b"
DEFLATE_LIMIT = 1032  # bytes that one byte of a deflate stream can become at most
CHUNK = 1 << 20


class RawFile:
    """An open file; `limit` bounds the bytes it can yield and is known before any is read."""

    def __init__(self, path: Path, stream: BinaryIO, limit: int) -> None:
        self.path = path
        self.limit = limit
        self._stream = stream

    def read(self, count: int) -> bytes:
        """Up to `count` bytes, fewer only at the end of the file."""
        return self._stream.read(count)

    def lines(self, longest: int) -> Iterator[bytes]:
        """Lines with their ends; an error if one is longer than so many bytes."""
        while line := self._stream.readline(longest + 1):
            if len(line) > longest:
                raise DataError(f"{self.path}: a line of more than {longest:,} bytes; no table")
            yield line

    def rest(self, most: int) -> np.ndarray:
        """All remaining bytes as uint8; an error if there are more than `most`."""
        # Grown with what arrives: a header that lies about sizes takes no memory.
        data = bytearray()
        while len(data) <= most:
            chunk = self._stream.read(min(CHUNK, most + 1 - len(data)))
            if not chunk:
                return np.frombuffer(data, np.uint8)
            data += chunk
        raise DataError(f"{self.path}: longer than the expected {most:,} bytes of data")


@contextmanager
def open_raw(path: str | Path) -> Iterator[RawFile]:
    """Open a file, unpacking it if it is gzip whatever its name; failures become DataErrors."""
    path = Path(path)
    try:
        with open(path, "rb") as file:
            size = path.stat().st_size
            if file.peek(2)[:2] == GZIP_MAGIC:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield RawFile(path, unpacked, size * DEFLATE_LIMIT)  # type: ignore[arg-type]
            else:
                yield RawFile(path, file, size)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: damaged gzip data ({error})") from error
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error


def find_file(folder: Path, *names: str) -> Path | None:
    """The first of these files that exists in the folder, as named or with `.gz` behind it."""
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    return None


def near_names(path: Path) -> list[str]:
    """What lies beside it and is called nearly so; nothing if the folder can't be read."""
    import difflib

    try:
        names = {entry.name.lower(): entry.name for entry in path.parent.iterdir()}
    except OSError:
        return []
    return [names[near] for near in difflib.get_close_matches(path.name.lower(), names, n=1)]


def near_name(path: Path) -> str:
    """For a message: "; did you mean 'photos'?", or that the folder isn't there either."""
    if not path.parent.is_dir():
        return f": there is no {path.parent}"
    return "".join(f"; did you mean {str(path.with_name(name))!r}?" for name in near_names(path))


def list_files(folder: Path) -> list[Path]:
    """The files of the folder in the order of their names, without hidden ones."""
    try:
        return sorted(p for p in folder.iterdir() if not p.name.startswith(".") and p.is_file())
    except OSError as error:
        raise DataError(f"{folder}: {error.strerror or error}") from error
