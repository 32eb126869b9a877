"""The folder of one training run: which files it has, and that no run overwrites another."""

import json
import math
from pathlib import Path
from typing import Any

from fastcnn.errors import ModelFileError, OptionError
from fastcnn.training.checked import Table, read_json
from fastcnn.training.model_file import remove_litter, write_atomically, write_text

LARGEST_IMAGE = 2**24  # pixels; a file must not ask for more memory than it could need


class RunFolder:
    """model.safetensors, checkpoint.safetensors, history.jsonl, run.json and curves.png."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.model = self.path / "model.safetensors"
        self.checkpoint = self.path / "checkpoint.safetensors"
        self.history = self.path / "history.jsonl"
        self.record = self.path / "run.json"
        self.curves = self.path / "curves.png"

    @classmethod
    def create(cls, wanted: str | None, default: str | Path) -> "RunFolder":
        """The wanted folder, if no run lies there; else `default`, with a number if it exists."""
        if wanted is None:
            return cls(_new_folder(Path(default)))
        if not wanted:
            raise OptionError("the name of the run's folder is empty; expected --out FOLDER")
        folder = cls(wanted)
        for path in (folder.record, folder.checkpoint, folder.model, folder.history):
            if path.exists():
                raise OptionError(
                    f"{folder.path} holds a run already ({path.name}): choose another --out, "
                    f"or go on with --resume {folder.path}"
                )
        folder.path.mkdir(parents=True, exist_ok=True)
        remove_litter(folder.path)
        return folder

    @classmethod
    def of(cls, path: str | Path) -> "RunFolder":
        """The folder of an existing run, from the folder or one of the files in it."""
        path = Path(path)
        if not path.exists():
            raise ModelFileError(f"{path}: no such run folder or checkpoint")
        return cls(path if path.is_dir() else path.parent)

    def write_record(self, record: dict[str, Any]) -> None:
        write_text(self.record, json.dumps(record, indent=2) + "\n")

    def read_record(self) -> dict[str, Any]:
        """Checked: what it says is of the types that a run writes."""
        record = Table(read_json(self.record, "the record of a run"), str(self.record))
        record.text("status", None)
        if record.values.get("data") is not None:
            data = record.table("data")
            data.text("sha256", None)
            if "classes" in data:
                data.texts("classes")
        _check_arguments(record.table("arguments"))
        return record.values

    def write_history(self, rows: list[dict[str, Any]]) -> None:
        """Replace the history: a resumed run begins with what its checkpoint knows."""
        write_text(self.history, "".join(f"{json.dumps(row)}\n" for row in rows))

    def append_history(self, row: dict[str, Any]) -> None:
        with open(self.history, "a", encoding="utf-8") as file:
            file.write(f"{json.dumps(row)}\n")

    def write_curves(self, png: bytes) -> None:
        write_atomically(self.curves, lambda temporary: temporary.write_bytes(png))


def _check_arguments(arguments: Table) -> None:
    for name in ("data", "data_dir", "backend", "precision", "metrics", "augment_fill"):
        arguments.text(name, None)
    for name in ("epochs", "batch_size", "train_size"):
        arguments.whole(name, 1, default=None)
    arguments.number("validation", None)
    arguments.flag("validate", None)
    for name in ("image_size", "callbacks"):
        arguments.items(name, None)
    if arguments.values.get("image_size"):
        sides = arguments.wholes("image_size", 1)
        if math.prod(sides) > LARGEST_IMAGE:
            raise ModelFileError(f"{arguments.where}: image_size {sides} is too large")
    for callback in arguments.values.get("callbacks") or []:
        if not isinstance(callback, str):
            Table(callback, f"{arguments.where}: a callback").text("name")
    if arguments.values.get("views") is not None:
        arguments.table("views")
    if arguments.values.get("augmentations") is not None:
        augment = arguments.table("augmentations")
        augment.items("augmentations")
        augment.text("fill")
        augment.number("fill_value")
        if len(augment.values) > 3:
            raise ModelFileError(f"{augment.where} has unknown keys: {', '.join(augment.values)}")


def _new_folder(path: Path) -> Path:
    """Made by mkdir, which tells two runs that start at the same time apart."""
    number, candidate = 1, path
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        try:
            candidate.mkdir()
            return candidate
        except FileExistsError:
            number += 1
            candidate = path.with_name(f"{path.name}-{number}")
