"""Where callbacks write. What a file says stays within the folder of the run: a recipe or a model
file may be a stranger's. Paths from the command line or from Python may lie anywhere."""

import inspect
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from fastcnn.errors import OptionError
from fastcnn.plugins.registry import callbacks

# {epoch}, {val_loss:.2f}; nothing that could write a slash or dots into the name.
FIELD = re.compile(r"\{\w+(:[0-9.,+%a-zA-Z]*)?\}")


def check_within(tables: Sequence[Any]) -> None:
    """An error if a callback of a file would write anywhere but below the folder it is given."""
    for name, option, value in _paths(tables):
        plain = FIELD.sub("x", value)
        outside = any(
            path.is_absolute() or path.drive or path.root or ".." in path.parts
            for path in (PurePosixPath(plain), PureWindowsPath(plain))
        )
        if outside or any(sign in plain for sign in ("{", "}", ":", "\0")) or plain[:1] == "~":
            raise OptionError(
                f"{option} {value!r} of the callback {name!r} lies outside of the run's folder, "
                "which only the command line may choose (--callback)"
            )


def within(tables: Sequence[Any], folder: Path) -> list[Any]:
    """The same callbacks; relative paths, which are those of files, lie in this folder."""
    relative = [table for table in tables if not _is_absolute(table)]
    check_within(relative)
    made = [dict(t) if isinstance(t, dict) else t for t in tables]
    for number, table in enumerate(made):
        for name, option, value in _paths([table]):
            if not Path(value).is_absolute() and "://" not in value:
                table = made[number] = {**_table(table), "name": name, option: str(folder / value)}
    return made


def absolute(table: dict[str, Any]) -> dict[str, Any]:
    """A callback of the command line: its paths begin where the command was given."""
    given = [(option, value) for _, option, value in _paths([table]) if option in table]
    return table | {k: str(Path(v).absolute()) for k, v in given if "://" not in v}


def _is_absolute(table: Any) -> bool:
    found = [value for _, _, value in _paths([table])]
    return bool(found) and all(Path(value).is_absolute() or "://" in value for value in found)


def _table(table: Any) -> dict[str, Any]:
    return table if isinstance(table, dict) else {"name": table}


def _paths(tables: Sequence[Any]) -> Iterator[tuple[str, str, str]]:
    """(callback, option, value) of options that say where something is written."""
    for table in map(_table, tables):
        name = table["name"]
        made = callbacks.get(name)
        for option in made.paths:
            usual = inspect.signature(made).parameters[option].default
            value = table.get(option, usual)
            if isinstance(value, str):
                yield name, option, value
