"""Named data sets: where they are looked for, and what a user is told when they are nowhere."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fastcnn.data.dataset import Dataset
from fastcnn.data.download import Remote, cache_dir, extract, fetch
from fastcnn.data.rawfile import find_file
from fastcnn.errors import DataError

DATA_DIR_VARIABLE = "FASTCNN_DATA"


@dataclass(frozen=True)
class Source:
    """A data set of fixed files.

    folders: below a data directory, tried in order; downloads go into the first
    files: canonical names, each found as it is or with `.gz`
    remotes: what is downloaded: these files, or archives that hold `members`
    members: path in the archive and its size in bytes
    read: a folder with the files -> Dataset
    """

    name: str
    folders: tuple[str, ...]
    files: tuple[str, ...]
    remotes: tuple[Remote, ...]
    read: Callable[[Path], Dataset]
    members: Mapping[str, int] = field(default_factory=dict)

    def load(self, data_dir: str | Path | None = None, download: bool = True) -> Dataset:
        """Read the set from `data_dir`, FASTCNN_DATA or the cache, else download it."""
        return self.read(self.locate(data_dir, download))

    def locate(self, data_dir: str | Path | None = None, download: bool = True) -> Path:
        """The folder that holds all files; downloaded into the cache if there is none."""
        roots = [*data_dirs(data_dir), cache_dir()]
        for root in roots:
            for folder in self.folders:
                if not self.missing(root / folder):
                    return root / folder
        if not download:
            raise self._not_found(roots, "downloading is off")
        try:
            return self._download(roots[-1] / self.folders[0])
        except DataError as error:
            raise self._not_found(roots, str(error)) from error

    def missing(self, folder: Path) -> list[str]:
        """Those of the files which the folder does not hold."""
        return [name for name in self.files if find_file(folder, name) is None]

    def _download(self, folder: Path) -> Path:
        for remote in self.remotes:
            path = fetch(remote, folder)
            if self.members:
                extract(path, self.members, folder)
        return folder

    def _not_found(self, roots: list[Path], reason: str) -> DataError:
        places = ", ".join(str(root / self.folders[0]) for root in roots)
        origins = " ".join(m + r.name for r in self.remotes[:1] for m in r.mirrors[:1])
        return DataError(
            f"{self.name}: not found in {places}, and {reason}; put {', '.join(self.files)} "
            f"(gz or not, from {origins}) into {roots[0] / self.folders[0]}"
        )


def data_dirs(data_dir: str | Path | None = None) -> list[Path]:
    """The directories a user has named, in order: the argument, then FASTCNN_DATA."""
    named = {"data_dir": data_dir, DATA_DIR_VARIABLE: os.environ.get(DATA_DIR_VARIABLE)}
    found = []
    for origin, value in named.items():
        if not value:
            continue
        path = Path(value).expanduser()
        if not path.is_dir():
            raise DataError(f"{path}: no such directory (given by {origin})")
        found.append(path)
    return found
