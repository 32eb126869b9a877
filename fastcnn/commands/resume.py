"""`fastcnn train --resume`: what is taken from the run, and what must not contradict it."""

from pathlib import Path
from typing import Any

from fastcnn.commands.augment import augment_option
from fastcnn.data.dataset import Dataset
from fastcnn.errors import DataError, ModelFileError, OptionError
from fastcnn.model import Model

# May differ: the bits of an epoch do not depend on them.
FREE = ("epochs", "data_dir", "max_pixels", "threads", "resume", "quiet")
OLDER: dict[str, Any] = {  # what runs of older versions lack
    **dict.fromkeys(("augment", "augment_fill", "train_size", "views")),
    "validate": True,
    "callbacks": [],
}
NEEDED = ("data", "epochs", "batch_size", "validation", "image_size", "data_dir")


def check_conflicts(arguments: dict[str, Any], options: Any, folder: Path) -> None:
    """An error that names every given option which differs from the run's."""
    conflicts = []
    for name, given in vars(options).items():
        if given is None or name in FREE:
            continue
        before = str(folder) if name == "out" else arguments.get(name)
        if _plain(name, given) != _plain(name, before):
            conflicts.append(f"--{name.replace('_', '-')} {given} (the run has {before})")
    if conflicts:
        raise OptionError(f"--resume {folder} goes on as it began; drop {', '.join(conflicts)}")


def _plain(name: str, value: Any) -> Any:
    """A form in which JSON's lists, relative paths and spellings of names compare equal."""
    if isinstance(value, list | tuple):
        return list(value)
    if name == "out" or (isinstance(value, str) and Path(value).exists()):
        return str(Path(value).resolve())
    return value.replace("_", "-") if isinstance(value, str) else value


def resumed_arguments(
    arguments: dict[str, Any], options: Any, model: Model, checkpoint: Path
) -> dict[str, Any]:
    """The run's arguments with those that may change."""
    if model.optimizer is None:
        raise ModelFileError(
            f"{checkpoint} is a finished model without a training state; resume from the folder"
        )
    changed = {k: getattr(options, k) for k in ("epochs", "data_dir", "max_pixels")}
    arguments = arguments | {k: v for k, v in changed.items() if v is not None}
    arguments = OLDER | arguments
    if "augmentations" not in arguments:
        augment = augment_option(arguments["augment"], arguments["augment_fill"])
        arguments["augmentations"] = None if augment is None else augment.options()
    missing = [name for name in NEEDED if name not in arguments]
    if missing:
        raise ModelFileError(f"the run's record lacks the arguments {', '.join(missing)}")
    begun = model.progress.epoch + bool(model.progress.batch)
    if arguments["epochs"] < begun:
        raise OptionError(
            f"--epochs {arguments['epochs']}: {checkpoint} is in epoch {begun} already"
        )
    return arguments


def check_data(record: dict[str, Any], dataset: Dataset, path: Path) -> None:
    """The same images and labels, or resuming would mix two runs."""
    expected = record.get("data", {}).get("sha256")
    found = dataset.fingerprint()
    if expected != found:
        raise DataError(
            f"{dataset.name} is no longer the data of this run: sha256 {found[:12]}..., "
            f"expected {str(expected)[:12]}... ({path})"
        )
