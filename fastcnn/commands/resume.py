"""`fastcnn train --resume`: what is taken from the run, and what must not contradict it."""

from pathlib import Path
from typing import Any

from fastcnn.commands.augment import augment_option
from fastcnn.commands.picture_arguments import picture_options
from fastcnn.commands.run_data import data_argument
from fastcnn.data.dataset import Dataset
from fastcnn.data.load import load_dataset
from fastcnn.errors import DataError, ModelFileError, OptionError
from fastcnn.model import Model

# May differ: the bits of an epoch do not depend on them, or, of data, the fingerprint must match.
FREE = ("epochs", "data", "data_dir", "max_pixels", "threads", "resume", "quiet")
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
    data = None if options.data is None else data_argument(options.data)
    changed = {k: getattr(options, k) for k in ("epochs", "data_dir", "max_pixels")}
    changed["data"] = data
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


def load_again(arguments: dict[str, Any], folder: Path) -> Dataset:
    """The run's data; where they are gone, the error tells how to say where they are now."""
    data = arguments["data"]
    try:
        return load_dataset(
            *(data, arguments["data_dir"]),
            image_size=arguments["image_size"],
            image_shape=arguments.get("image_shape"),
            named=True,
            **picture_options(arguments),
        )
    except DataError as error:
        if Path(data).is_absolute() and not Path(data).exists():
            hint = f"if the data moved: --resume {folder} --data PATH"
            raise DataError(f"{error}; {hint}") from error
        raise


def check_data(record: dict[str, Any], dataset: Dataset, path: Path) -> None:
    """The same images and labels, or resuming would mix two runs."""
    before = record.get("data")
    before = before if isinstance(before, dict) else {}
    found = dataset.fingerprint()
    same_classes = before.get("classes", list(dataset.classes)) == list(dataset.classes)
    if before.get("sha256") != found or not same_classes:
        raise DataError(
            f"{dataset.name} is not, or no longer, the data of this run ({path}): "
            f"{_differences(before, dataset)}"
        )


def _differences(before: dict[str, Any], dataset: Dataset) -> str:
    """What is other than in the record: numbers of images, shape, classes, or only the bytes."""
    counts, classes = (before.get(key) or () for key in ("images", "classes"))
    test = 0 if dataset.test is None else len(dataset.test)
    pairs = {
        "test images": (counts.get("test", 0) if isinstance(counts, dict) else 0, test),
        "image shape": (before.get("image_shape"), list(dataset.image_shape)),
        "classes": (_short(classes), _short(dataset.classes)),
    }
    texts = [f"{what}: {now}, not {then}" for what, (then, now) in pairs.items() if then != now]
    found, expected = dataset.fingerprint()[:12], str(before.get("sha256"))[:12]
    return "; ".join([*texts, f"sha256 {found}..., not {expected}..."])


def _short(names: Any) -> str:
    shown = ", ".join(map(str, names[:5])) + (", ..." if len(names) > 5 else "")
    return f"{len(names)} ({shown})"
