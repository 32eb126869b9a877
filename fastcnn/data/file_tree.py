"""The files below a folder or in an archive, by their relative paths; hidden ones never count."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fastcnn.data.picture import read_bytes
from fastcnn.errors import DataError

Parts = tuple[str, ...]
# What systems leave behind, in any case; a name that begins with a dot is hidden, too.
HIDDEN = {
    *("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "$recycle.bin"),
    *("system volume information", "@eadir", "lost+found"),
}


# A folder with both is a run or a comparison of ours, whose curves are no pictures of the data.
RESULTS = (
    ("run.json", {"model.safetensors", "checkpoint.safetensors", "history.jsonl"}),
    ("comparison.json", {"jobs", "results.json", "report.md"}),
)


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is none of the user's."""
    return name.startswith(".") or name.casefold() in HIDDEN


@dataclass(frozen=True)
class Entry:
    """A file; parts: its path from the top; read: so many of its bytes, all for -1."""

    parts: Parts
    read: Callable[[int], bytes]


class FileTree:
    """path: of the folder or archive; entries: its files in sorted order; folders: all of them,
    empty ones, too, without the top, (). Runs and comparisons in it, and folders that hold nothing
    else, count as hidden."""

    def __init__(self, path: Path, entries: Iterable[Entry], folders: Iterable[Parts]) -> None:
        self.path = path
        # An archive may hold a name twice: the last one is what unpacking it leaves.
        shown = {e.parts: e for e in entries if not any(map(is_hidden, e.parts))}
        listed = sorted(shown.values(), key=lambda entry: entry.parts)
        kept = {f for f in folders if f and not any(map(is_hidden, f))}
        kept |= {e.parts[:n] for e in listed for n in range(1, len(e.parts))}
        results = _results(listed, kept)
        self.entries = [e for e in listed if not _lies_in(e.parts[:-1], results)]
        if results:
            used = {e.parts[:n] for e in self.entries for n in range(1, len(e.parts))}
            emptied = {r[:n] for r in results for n in range(1, len(r) + 1)} - used
            kept = {f for f in kept if f not in emptied and not _lies_in(f, results)}
        self.folders = kept

    def name(self, parts: Parts) -> str:
        """For messages."""
        return str(self.path.joinpath(*parts))

    def folders_in(self, top: Parts) -> list[str]:
        """Names of the folders right below this one, sorted."""
        depth = len(top) + 1
        return sorted(f[-1] for f in self.folders if len(f) == depth and f[:-1] == top)

    def files_in(self, top: Parts) -> list[Entry]:
        """The files right in this folder."""
        return [entry for entry in self.entries if entry.parts[:-1] == top]

    def files_below(self, top: Parts) -> list[Entry]:
        """The files in this folder and all below."""
        return [entry for entry in self.entries if entry.parts[: len(top)] == top]


def _results(entries: Iterable[Entry], folders: set[Parts]) -> set[Parts]:
    """The folders, but for the top, that hold what a run or a comparison writes."""
    there: dict[Parts, set[str]] = {}
    for parts in (*(entry.parts for entry in entries), *folders):
        there.setdefault(parts[:-1], set()).add(parts[-1])
    return {
        folder
        for folder, names in there.items()
        if folder
        and any(
            record in names and (names & others or len(names) == 1) for record, others in RESULTS
        )
    }


def _lies_in(folder: Parts, results: set[Parts]) -> bool:
    return any(folder[:n] in results for n in range(1, len(folder) + 1))


def list_folder(path: Path) -> FileTree:
    """Every file below a folder. Links are followed, except into a folder that one is in."""
    try:
        entries, folders = [], []
        for parts, is_folder in _walk(path, (), frozenset()):
            if is_folder:
                folders.append(parts)
            else:
                entries.append(Entry(parts, _reader(path.joinpath(*parts))))
    except OSError as error:
        raise DataError(f"{error.filename}: {error.strerror}") from error
    return FileTree(path, entries, folders)


def _reader(path: Path) -> Callable[[int], bytes]:
    return lambda most: read_bytes(path, most)


def _walk(folder: Path, parts: Parts, above: frozenset) -> Iterator[tuple[Parts, bool]]:
    """(path, whether it is a folder); sockets and devices are none of either."""
    status = folder.stat()
    here = above | {(status.st_dev, status.st_ino)}
    with os.scandir(folder) as found:
        for entry in sorted(found, key=lambda entry: entry.name):
            if is_hidden(entry.name):
                continue
            if not entry.is_dir():
                if entry.is_file() or entry.is_symlink():  # a broken link is told when it is read
                    yield (*parts, entry.name), False
                continue
            inner = entry.stat()
            if (inner.st_dev, inner.st_ino) not in here:
                yield (*parts, entry.name), True
                yield from _walk(folder / entry.name, (*parts, entry.name), here)
