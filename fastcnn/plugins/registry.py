"""The road on which every layer, optimizer, loss, ... comes in, built-in or from another package.

A built-in is found by its file: `layers.get("conv2d")` imports `fastcnn/plugins/layers/conv2d.py`,
whose `@layers.register("conv2d")` puts it in. Other packages declare an entry point in the group
`fastcnn.layers` (or `.optimizers`, ...); it is read when the name is first asked for. Nothing is
imported before it is needed, and a plugin that can't be imported breaks nothing but itself.
"""

import inspect
import pkgutil
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any, NoReturn, TypeVar

from fastcnn.errors import FastcnnError, OptionError, unknown

T = TypeVar("T")


class Registry:
    """Names of one kind of thing, e.g. layers."""

    def __init__(self, kind: str, group: str, aliases: dict[str, str] | None = None) -> None:
        self.kind = kind  # "layer", for messages
        self.group = group  # "layers": the folder of the built-ins and the entry-point group
        self.aliases = aliases or {}  # other names of built-ins, e.g. Keras' short ones
        self._found: dict[str, Any] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Class decorator (or function decorator) that enters its object under a name."""

        def enter(thing: T) -> T:
            old = self._found.get(name)
            if old is not None and _origin(old) != _origin(thing):
                raise OptionError(
                    f"two {self.group} are named {name!r}: {_origin(old)} and {_origin(thing)}"
                )
            self._found[name] = thing
            thing.registered_name = name  # type: ignore[attr-defined]
            return thing

        return enter

    def get(self, name: str) -> Any:
        """The class or function of that name, imported now if it was not yet."""
        name = self.aliases.get(name, name)
        if name not in self._found:
            if name in self._builtin_names():
                import_module(f"fastcnn.plugins.{self.group}.{name}")
            elif name in (points := self._entry_points()):
                self._load(points[name])
        if name not in self._found:
            raise unknown(self.kind, name, self.names())
        return self._found[name]

    def names(self) -> list[str]:
        """All names but aliases, sorted; imports nothing."""
        return sorted({*self._found, *self._builtin_names(), *self._entry_points()})

    def _builtin_names(self) -> list[str]:
        spec = find_spec(f"fastcnn.plugins.{self.group}")
        folders = spec.submodule_search_locations if spec else None
        return [m.name for m in pkgutil.iter_modules(folders or [])]

    def _entry_points(self) -> dict[str, EntryPoint]:
        return {p.name: p for p in entry_points(group=f"fastcnn.{self.group}")}

    def _load(self, point: EntryPoint) -> None:
        try:
            thing = point.load()
        except Exception as error:  # whatever a stranger's module raises
            package = point.dist.name if point.dist else point.value
            message = (
                f"{self.kind} {point.name!r} of the package {package!r} failed to load: {error}"
            )
            warnings.warn(message, stacklevel=3)
            return
        self._found.setdefault(point.name, thing)


def _origin(thing: Any) -> str:
    return f"{thing.__module__}.{thing.__qualname__}"


layers = Registry("layer", "layers")
losses = Registry(
    "loss",
    "losses",
    {
        "mse": "mean_squared_error",
        "mae": "mean_absolute_error",
        "mape": "mean_absolute_percentage_error",
        "msle": "mean_squared_logarithmic_error",
        "logcosh": "log_cosh",
        "kld": "kl_divergence",
        "bce": "binary_crossentropy",
    },
)
optimizers = Registry("optimizer", "optimizers")
regularizers = Registry("regularizer", "regularizers")
initializers = Registry("initializer", "initializers")
callbacks = Registry("callback", "callbacks")
models = Registry("model", "models")
activations = Registry("activation", "activations")
schedules = Registry("schedule", "schedules")
constraints = Registry("constraint", "constraints")
metrics = Registry(
    "metric",
    "metrics",
    {
        "acc": "accuracy",
        "categorical_accuracy": "accuracy",
        "sparse_categorical_accuracy": "accuracy",
        "top_k_categorical_accuracy": "top_k",
        "f1_score": "f1",
        "mae": "mean_absolute_error",
        "mse": "mean_squared_error",
        "rmse": "root_mean_squared_error",
        "r2_score": "r2",
    },
)
augmentations = Registry("augmentation", "augmentations")
baselines = Registry("baseline", "baselines")
data = Registry("data source", "data")
REGISTRIES = (
    layers,
    activations,
    losses,
    optimizers,
    schedules,
    regularizers,
    initializers,
    constraints,
    callbacks,
    metrics,
    models,
    augmentations,
    baselines,
    data,
)


def make(registry: Registry, value: Any) -> Any:
    """An object from a name, from {"name": ..., option: ...}, or the object itself."""
    if isinstance(value, str):
        value = {"name": value}
    if isinstance(value, int | float | list | tuple):
        raise OptionError(f"{registry.kind} must be a name, a table or an object, not {value!r}")
    if not isinstance(value, dict):
        return value
    options = dict(value)
    cls = registry.get(options.pop("name", None) or _nameless(registry, value))
    try:
        return cls(**options)
    except FastcnnError:
        raise
    except (TypeError, ValueError) as error:
        raise _bad_options(registry, cls, options, error) from error


def _nameless(registry: Registry, value: dict) -> NoReturn:
    raise OptionError(f"a {registry.kind} needs a 'name', got {value}")


def _bad_options(registry: Registry, cls: Any, options: dict, error: Exception) -> OptionError:
    known = option_names(cls)
    for option in options:
        if option not in known:
            return unknown(f"option of {registry.kind} {cls.registered_name!r}", option, known)
    return OptionError(f"{registry.kind} {cls.registered_name!r}: {error}")


def option_names(cls: Any) -> list[str]:
    """Names of the options that a class takes."""
    return list(inspect.signature(cls).parameters)


def config_of(thing: Any) -> dict[str, Any]:
    """{"name": ..., option: value}: what `make` needs to build the same object again."""
    options = [name for name in option_names(type(thing)) if name != "name"]
    values = {option: getattr(thing, option) for option in options}
    return {"name": thing.registered_name, **{k: _plain(v) for k, v in values.items()}}


def _plain(value: Any) -> Any:
    if hasattr(value, "registered_name"):
        return config_of(value)
    return list(value) if isinstance(value, tuple) else value
