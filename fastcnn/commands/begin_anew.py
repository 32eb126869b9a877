"""`fastcnn train --resume` of a run that was killed before its first checkpoint: it begins anew.

run.json holds the options as they were given, under "options", from the moment on in which the
folder is made.
"""

from dataclasses import fields
from pathlib import Path
from typing import Any

from fastcnn.errors import ModelFileError
from fastcnn.training.checked import Table
from fastcnn.training.run_folder import RunFolder

NOT_KEPT = ("out", "resume", "quiet", "threads")
FILES = ("model", "recipe", "data", "data_dir")  # that may be paths: the run may be found elsewhere
UNFINISHED = ("starting", "running")


def kept_options(options: Any) -> dict[str, Any]:
    """Those of TrainOptions that were given, as JSON can hold them."""
    given = {k: v for k, v in vars(options).items() if v is not None and k not in NOT_KEPT}
    for name in set(FILES) & set(given):
        if Path(given[name]).expanduser().exists():
            given[name] = str(Path(given[name]).expanduser().absolute())
    return {k: list(v) if isinstance(v, tuple) else v for k, v in given.items()}


def began_nothing(record: dict[str, Any], folder: RunFolder) -> bool:
    """Whether the run has no checkpoint because it was killed before there was one."""
    files = (folder.checkpoint, folder.model)
    unfinished = record.get("status") in UNFINISHED and "options" in record
    return unfinished and not any(file.exists() for file in files)


def options_again(record: dict[str, Any], options: Any, folder: RunFolder) -> Any:
    """TrainOptions with which the run began, and with those given now that may differ."""
    table = Table(record, str(folder.record)).table("options")
    kinds = {field.name: field.type for field in fields(options) if field.name not in NOT_KEPT}
    given: dict[str, Any] = {}
    for name in table.values:
        if name not in kinds:
            raise ModelFileError(f"{table.where}: no option is called {name!r}")
        given[name] = _taken(table, name, str(kinds[name]))
    own = {name: getattr(options, name) for name in ("epochs", "data_dir", "threads", "quiet")}
    given |= {name: value for name, value in own.items() if value is not None}
    return type(options)(**given, out=str(folder.path))


def _taken(table: Table, name: str, kind: str) -> Any:
    if kind.startswith("tuple[str"):
        return tuple(table.texts(name))
    if kind.startswith("tuple[int"):
        return tuple(table.wholes(name, 1))
    if kind.startswith("str"):
        return table.text(name)
    if kind.startswith("bool"):
        return table.flag(name)
    return table.number(name) if kind.startswith("float") else table.whole(name)
