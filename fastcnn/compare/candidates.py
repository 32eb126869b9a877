"""What is compared: a name becomes something that makes scikit-learn estimators over images."""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastcnn.compare.options import CompareOptions
from fastcnn.errors import OptionError, unknown
from fastcnn.plugins.registry import baselines, make, models, optimizers
from fastcnn.training.model_config import model_config

# With a constant rate nets with batch norm end wherever the last steps leave them: resnet20 on
# 4,000 images of CIFAR-10 is 15 points better with this one.
ONE_CYCLE = {"name": "one_cycle", "max_learning_rate": 0.003}


@dataclass(frozen=True)
class Candidate:
    """title: its name in tables; table: what it is, as JSON: a resumed comparison compares it."""

    title: str
    table: dict[str, Any]
    keeps_budget = False  # whether its fit ends in time by itself

    def make(self, seed: int, threads: int) -> Any:
        """A new estimator, not fitted."""
        raise NotImplementedError

    def save(self, estimator: Any, path: Path) -> None:
        """Write the fitted estimator down with all that it needs to predict; for its size only."""
        with open(path, "wb") as file:
            pickle.dump(estimator, file, protocol=pickle.HIGHEST_PROTOCOL)


@dataclass(frozen=True)
class Cnn(Candidate):
    """A registered model or a TOML file: table["layers"], and options of the estimator."""

    keeps_budget = True

    def make(self, seed: int, threads: int) -> Any:
        from fastcnn.estimators.classifier import CNNClassifier

        return CNNClassifier(**self.table, random_state=seed, n_jobs=threads)

    def save(self, estimator: Any, path: Path) -> None:
        estimator.model_.save(path, training_state=False)


@dataclass(frozen=True)
class Baseline(Candidate):
    """A registered baseline with its options."""

    def make(self, seed: int, threads: int) -> Any:
        from fastcnn.classical.classifier import BaselineClassifier

        return BaselineClassifier(self.table, random_state=seed, n_jobs=threads)

    def save(self, estimator: Any, path: Path) -> None:
        estimator.save(path)


@dataclass(frozen=True)
class Given(Candidate):
    """An estimator from Python: copies of it, with other seeds."""

    estimator: Any

    def make(self, seed: int, threads: int) -> Any:
        from sklearn.base import clone

        copy = clone(self.estimator)
        names = [name for name in copy.get_params() if name.split("__")[-1] == "random_state"]
        return copy.set_params(**dict.fromkeys(names, seed))


def candidates(options: CompareOptions) -> list[Candidate]:
    """All that is compared, in the order given; what is wrong with a name comes out here."""
    if isinstance(options.models, dict):
        return [
            Given(title, {"estimator": " ".join(repr(estimator).split())}, estimator)
            for title, estimator in options.models.items()
        ]
    found = [_candidate(model, options) for model in options.models]
    if options.optimizers:
        found = _with_optimizers(found, options.optimizers)
    titles = [candidate.title for candidate in found]
    for title in titles:
        if titles.count(title) > 1:
            raise OptionError(f"model {title!r} is there twice")
    return found


def _candidate(model: Any, options: CompareOptions) -> Candidate:
    table = {"name": model} if isinstance(model, str) else dict(model)
    name = str(table.get("name"))
    if name in {*baselines.names(), *baselines.aliases}:
        make(baselines, table)  # what is wrong comes out before anything runs
        return Baseline(_title(table), table)
    if name.lower().endswith(".toml"):
        model_config(name)
    elif name not in models.names():
        raise unknown("model", name, [*models.names(), *baselines.names()])
    layers = table if len(table) > 1 else name
    return Cnn(_title(table), {"layers": layers, **_training(options)})


def _training(options: CompareOptions) -> dict[str, Any]:
    """Options of the estimator that all CNNs share."""
    table: dict[str, Any] = {}
    if options.epochs is not None:
        table["epochs"] = options.epochs
    if options.budget_seconds is None:
        table["optimizer"] = {"name": "adam", "learning_rate": ONE_CYCLE}
    else:
        # No annealing: figures depend on the clock only where the budget is used up.
        budget = {"seconds": options.budget_seconds, "anneal": "none"}
        table["callbacks"] = [{"name": "time_budget", **budget}]
    return table


def _with_optimizers(found: list[Candidate], wanted: Sequence[Any]) -> list[Candidate]:
    if len(found) != 1 or not isinstance(found[0], Cnn):
        raise OptionError(
            "optimizers are compared on one CNN; the models are "
            + ", ".join(candidate.title for candidate in found)
        )
    tables = [{"name": o} if isinstance(o, str) else dict(o) for o in wanted]
    for table in tables:
        make(optimizers, table)
    net = found[0]
    return [Cnn(f"{net.title} + {_title(t)}", {**net.table, "optimizer": t}) for t in tables]


def _title(table: dict[str, Any]) -> str:
    """ "resnet20" or "resnet20:shortcut=B", as on the command line."""
    options = ",".join(f"{key}={value}" for key, value in table.items() if key != "name")
    name = str(table["name"]).rsplit("/", 1)[-1]
    return f"{name}:{options}" if options else name
