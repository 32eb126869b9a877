"""What a comparison is asked for: from flags, a TOML file, Python, or the record of an old one."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from fastcnn.arguments import check_class
from fastcnn.data.picture_options import PictureOptions
from fastcnn.errors import FastcnnError, OptionError, unknown
from fastcnn.training.checked import Table, read_toml
from fastcnn.training.duration import seconds_of

DEFAULT_FOLDS = 5
MOST_FITS = 10_000  # of each model; all their splits are made before the first one
HOW = ("jobs", "threads", "backend", "address", "resume", "quiet", "out")  # not what is compared


@check_class
@dataclass(frozen=True)
class CompareOptions:
    """models: names, {"name": ..., option: ...}, or {title: scikit-learn estimator} in Python.

    folds: cross-validation over the training images; test: train on them, measure on the test set.
    background, max_pixels, skip_damaged: of pictures, as for `load_folder`.
    images: how many of the training images are taken at all, each class in proportion.
    sizes: of training sets; seeds: how many times all is done, from `seed` on.
    epochs, budget: of every CNN, of every fit; optimizers: for one CNN, compared with each other.
    """

    data: Any = "digits"
    models: Sequence[Any] | dict[str, Any] = ()
    folds: int | None = None
    test: bool = False
    images: int | None = None
    sizes: Sequence[int] | None = None
    seeds: int = 1
    seed: int = 0
    epochs: int | None = None
    budget: str | float | None = None
    optimizers: Sequence[Any] = ()
    image_size: Any = None
    image_shape: Any = None
    background: Any = "white"
    max_pixels: int | None = None
    skip_damaged: bool = False
    data_dir: str | Path | None = None
    out: str | Path | None = None
    resume: bool = False
    jobs: int = 1
    threads: int | None = None
    backend: str = "loky"
    address: str | None = None
    quiet: bool = field(default=False)

    def __post_init__(self) -> None:
        if self.test and self.folds is not None:
            raise OptionError("folds and test exclude each other: cross-validation or one test set")
        if not self.models:
            raise OptionError("no models: give one or more, e.g. keras_cifar,hog-svm,logistic")
        for name in ("images", "seeds", "epochs", "jobs", "threads"):
            _check_count(name, getattr(self, name))
        for size in self.sizes or ():
            _check_count("sizes", size)
        if len(set(self.sizes or ())) < len(self.sizes or ()):
            raise OptionError(f"sizes {list(self.sizes or ())} has one twice")
        fits = self.seeds * (self.fold_count or 1) * max(len(self.sizes or ()), 1)
        if fits > MOST_FITS:
            raise OptionError(f"{fits:,} fits of each model; the limit is {MOST_FITS:,}")
        if self.seed < 0:
            raise OptionError(f"seed {self.seed}; expected 0 or more")
        if self.address and self.backend == "loky":
            raise OptionError("an address needs a backend that has one, e.g. dask")
        if self.budget is not None:
            seconds_of(self.budget)
        self.pictures()

    @property
    def fold_count(self) -> int | None:
        """None: one test set."""
        return None if self.test else self.folds or DEFAULT_FOLDS

    def pictures(self) -> dict[str, Any]:
        """How pictures are read, checked."""
        names = ("background", "max_pixels", "skip_damaged")
        options = {name: getattr(self, name) for name in names}
        PictureOptions.of(**options)
        return options

    @property
    def budget_seconds(self) -> float | None:
        return None if self.budget is None else seconds_of(self.budget)

    def arguments(self) -> dict[str, Any]:
        """What is compared, as JSON can hold it; not how it is run."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in HOW}
        if not isinstance(self.data, str | Path):
            values["data"] = "images in memory"
        if isinstance(self.models, dict):
            values["models"] = list(self.models)
        values = {k: str(v) if isinstance(v, Path) else v for k, v in values.items()}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def _check_count(name: str, value: Any) -> None:
    if value is not None and not (isinstance(value, int) and value >= 1):
        raise OptionError(f"{name} {value!r}; expected a whole number, 1 or more")


def option_names() -> list[str]:
    return [f.name for f in fields(CompareOptions)]


def read_pipeline(path: str | Path) -> dict[str, Any]:
    """The options of a TOML file, under their names here.

    data = "cifar10"
    sizes = [500, 2000, 10000]
    models = ["keras_cifar", "hog-svm", { name = "resnet20", shortcut = "B" }]
    """
    table = read_toml(Path(path), OptionError)
    for name in table:
        if name not in option_names():
            raise OptionError(f"{path}: {unknown('option', name, option_names())}")
    check_types(table, str(path))
    return table


def check_types(table: dict[str, Any], where: str, error: type[FastcnnError] = OptionError) -> None:
    """Of options that come from a file; what they may be besides is checked with all others."""
    checked = Table(table, where, error)
    for name in ("data", "backend"):
        checked.text(name, "")
    for name in ("data_dir", "out", "address"):
        checked.text(name, None)
    for name in ("folds", "images", "epochs", "threads", "max_pixels"):
        checked.whole(name, default=None)
    for name in ("seeds", "seed", "jobs"):
        checked.whole(name, default=1)
    for name in ("test", "resume", "quiet", "skip_damaged"):
        checked.flag(name, None)
    for name in ("models", "optimizers"):  # "a,b" as on the command line
        if not isinstance(table.get(name), str | None):
            _check_things(name, checked.items(name), where, error)
    if not isinstance(table.get("budget"), str | None):
        checked.number("budget")
    if table.get("sizes") is not None:
        checked.wholes("sizes", 1)
    for name in ("image_size", "image_shape"):
        if not isinstance(table.get(name), int | None):
            checked.wholes(name, 1)
    if not isinstance(table.get("background", ""), str):
        checked.wholes("background", 0, 255)


def _check_things(name: str, values: list[Any], where: str, error: type[FastcnnError]) -> None:
    for value in values:
        if not isinstance(value, str):
            Table(value, f"{where}: one of {name}", error).text("name")
