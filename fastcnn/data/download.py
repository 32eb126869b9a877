"""Downloads with checksums into the cache, and archives unpacked with distrust."""

import os
import shutil
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from fastcnn.errors import DataError

if TYPE_CHECKING:
    import logging


@dataclass(frozen=True)
class Remote:
    """A file on one or more mirrors (base URLs, tried in order) and its SHA-256."""

    name: str
    mirrors: tuple[str, ...]
    sha256: str


def cache_dir() -> Path:
    """Where downloads are kept: the platform's cache directory for fastcnn."""
    import pooch

    return Path(pooch.os_cache("fastcnn"))


def fetch(remote: Remote, folder: Path) -> Path:
    """Download the file into the folder unless it is there with the right checksum."""
    import pooch

    reason = "no mirror"
    for mirror in remote.mirrors:
        try:
            with _quiet(pooch.get_logger()):
                path = pooch.retrieve(
                    mirror + remote.name, f"sha256:{remote.sha256}", remote.name, folder
                )
            return Path(path)
        except ValueError:  # what pooch raises on a wrong checksum; so do some broken URLs
            reason = f"{mirror} sent a file with a wrong checksum"
        except OSError as error:  # requests' exceptions are OSErrors; their texts fill a page
            reason = f"{mirror}: {error.strerror or type(error).__name__}"
    raise DataError(f"the download of {remote.name} failed ({reason})")


@contextmanager
def _quiet(logger: "logging.Logger") -> Iterator[None]:
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)


def extract(archive: Path, members: Mapping[str, int], folder: Path) -> None:
    """Unpack exactly these regular files ({path in the archive: size}) flat into the folder.

    Nothing else of the archive is used: no other member, no mode, no link, no path.
    """
    import tarfile

    waiting = dict(members)
    try:
        with tarfile.open(archive, "r:gz") as tar:
            while waiting and (member := tar.next()) is not None:
                if member.name not in waiting:
                    continue
                size = waiting.pop(member.name)
                stream = tar.extractfile(member) if member.isreg() else None
                if stream is None or member.size != size:
                    raise DataError(
                        f"{archive}: {member.name} has {member.size:,} bytes; expected {size:,}"
                    )
                _write(stream, folder / member.name.rpartition("/")[2])
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise DataError(f"{archive}: cannot be unpacked ({error})") from error
    if waiting:
        raise DataError(f"{archive}: {', '.join(waiting)} not in the archive")


def _write(stream: IO[bytes], path: Path) -> None:
    """Copy to a temporary name first: an interrupted copy never looks like the file."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(partial, "wb") as target:
            shutil.copyfileobj(stream, target)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
