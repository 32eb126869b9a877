"""Small distributions for tests: a module and its metadata in a folder of sys.path."""

import sys
from pathlib import Path

PLUGIN = """
from fastcnn.callbacks import Callback
from fastcnn.layers import Flatten
from fastcnn.plugins.registry import callbacks, layers


@layers.register("squash")
class Squash(Flatten):
    '''Everything in a row.'''

    def __init__(self, power: int = 1, name: str | None = None) -> None:
        super().__init__(name)
        self.power = power


class Quiet(Callback):
    '''Does nothing.'''
"""


def install(folder: Path, monkeypatch, package: str, source: str, points: str, version="1.2"):
    """As pip would do it. points: lines of entry_points.txt. Returns the module's name."""
    module = package.replace("-", "_")
    (folder / f"{module}.py").write_text(source)
    info = folder / f"{module}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(points)
    (info / "top_level.txt").write_text(module)
    if str(folder) not in sys.path:
        monkeypatch.syspath_prepend(str(folder))
    return module


def uninstall(folder: Path, package: str) -> None:
    module = package.replace("-", "_")
    (folder / f"{module}.py").unlink()
    for path in folder.glob(f"{module}-*"):
        for file in path.iterdir():
            file.unlink()
        path.rmdir()
    sys.modules.pop(module, None)
