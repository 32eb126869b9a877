"""A folder in a .zip or .tar, read where it lies: nothing is written anywhere.

Members of a zip are read one by one when they are needed; a tar is read once from its beginning,
and its files are kept in memory as they are stored. An archive of more than MAX_FILES files or
MAX_BYTES unpacked bytes is refused, and so is one with absolute paths, "..", links or devices.
"""

import contextlib
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from fastcnn.data.file_tree import Entry, FileTree, Parts, is_hidden
from fastcnn.data.picture import PictureError
from fastcnn.data.picture_types import HEAD, picture_type
from fastcnn.errors import DataError

MAX_FILES = 1_000_000
MAX_BYTES = 4 << 30
MAX_MEMBER = 1 << 30  # bytes of one file
TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
SUFFIXES = (".zip", *TAR_SUFFIXES)
UTF8_NAME, ENCRYPTED = 0x800, 0x1  # flags of a zip's member
DAMAGED = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, OSError, RuntimeError)


def is_archive(path: Path) -> bool:
    """By its name: whether a .npz or a .docx is a zip as well matters to nobody."""
    return path.name.lower().endswith(SUFFIXES)


def list_archive(path: Path) -> FileTree:
    """Every file in an archive; DataError for one that can't be trusted or read."""
    listing = _list_zip if path.name.lower().endswith(".zip") else _list_tar
    try:
        return listing(path)
    except DataError:
        raise
    except Exception as error:  # damaged bytes make these modules raise almost anything
        text = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(f"{path}: a damaged archive, or none at all ({text})") from error


class _Limits:
    def __init__(self, path: Path) -> None:
        self.path, self.files, self.bytes = path, 0, 0

    def add(self, size: int) -> None:
        self.files += 1
        self.bytes += max(0, size)
        if self.files > MAX_FILES or self.bytes > MAX_BYTES:
            raise DataError(
                f"{self.path}: more than {MAX_FILES:,} files or {MAX_BYTES:,} bytes once unpacked; "
                "unpack it yourself and give the folder"
            )


def _parts(path: Path, name: str) -> Parts:
    parts = PurePosixPath(name).parts
    if name.startswith(("/", "\\")) or ".." in parts or ":" in "".join(parts[:1]):
        raise DataError(f"{path}: the member {name!r} leads out of the archive; nothing is read")
    return parts


def _list_zip(path: Path) -> FileTree:
    archive, limits = zipfile.ZipFile(path), _Limits(path)
    entries, folders = [], []
    for info in archive.infolist():
        parts = _parts(path, _zip_name(info))
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise DataError(f"{path}: the member {info.filename!r} is a link or device")
        if info.is_dir() or kind == stat.S_IFDIR:
            folders.append(parts)
        elif parts:
            limits.add(info.file_size)
            entries.append(Entry(parts, _zip_reader(archive, info)))
    return FileTree(path, entries, folders)


def _zip_name(info: zipfile.ZipInfo) -> str:
    """macOS stores UTF-8 without the flag that says so; Windows' old tools use backslashes."""
    name = info.filename
    if not info.flag_bits & UTF8_NAME:
        with contextlib.suppress(UnicodeError):  # cp437 has a letter for every byte of others
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/") if info.create_system == 0 else name


def _zip_reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[int], bytes]:
    def read(most: int) -> bytes:
        if info.flag_bits & ENCRYPTED:
            raise PictureError("encrypted in the archive")
        if most < 0 and info.file_size > MAX_MEMBER:
            raise PictureError(f"larger than {MAX_MEMBER:,} bytes")
        try:
            with archive.open(info) as member:
                return member.read(most)
        except (*DAMAGED, NotImplementedError) as error:
            raise PictureError(f"damaged in the archive ({error})") from error

    return read


def _list_tar(path: Path) -> FileTree:
    limits = _Limits(path)
    entries, folders = [], []
    with tarfile.open(path, "r:*") as archive:
        for member in _members(archive):
            parts = _parts(path, member.name)
            if member.isdir():
                folders.append(parts)
                continue
            if not member.isreg():
                raise DataError(f"{path}: the member {member.name!r} is a link or device")
            limits.add(member.size)
            stream = None if any(map(is_hidden, parts)) else archive.extractfile(member)
            if stream is not None:
                entries.append(Entry(parts, _kept(_read_picture(stream, member.size))))
    return FileTree(path, entries, folders)


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    while (member := archive.next()) is not None:
        yield member
        archive.members.clear()  # type: ignore[attr-defined]  # else it grows on


def _read_picture(member: IO[bytes], size: int) -> bytes:
    """All of a picture; of other files the beginning, which tells that they are none."""
    head = member.read(HEAD)
    return head + member.read() if picture_type(head) and size <= MAX_MEMBER else head


def _kept(data: bytes) -> Callable[[int], bytes]:
    return lambda most: data if most < 0 else data[:most]
