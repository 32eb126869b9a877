"""The road on which every layer, optimizer, loss, ... comes in, built-in or from another package.

A built-in is found by its file: `layers.get("conv2d")` imports `fastcnn/plugins/layers/conv2d.py`,
whose `@layers.register("conv2d")` puts it in. Other packages declare an entry point in the group
`fastcnn.layers` (or `.optimizers`, ...); it is read when the name is first asked for. Nothing is
imported before it is needed, and a plugin that can't be used breaks nothing but itself.
"""

import inspect
import pkgutil
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from typing import Any, NoReturn, TypeVar

from fastcnn.arguments import check_class, checked, in_our_words
from fastcnn.errors import OptionError, told, unknown
from fastcnn.plugins.discovery import Package, declared, load, package_of, package_of_module

T = TypeVar("T")


class Registry:
    """Names of one kind of thing, e.g. layers."""

    def __init__(
        self,
        kind: str,
        group: str,
        aliases: dict[str, str] | None = None,
        base: str | None = None,
    ) -> None:
        self.kind = kind  # "layer", for messages
        self.group = group  # "layers": the folder of the built-ins and the entry-point group
        self.aliases = aliases or {}  # other names of built-ins, e.g. Keras' short ones
        self.base = base  # "module:Class", of which plugins must be subclasses
        self._found: dict[str, Any] = {}
        self._packages: dict[str, Package] = {}  # of things that entry points brought
        self._problems: dict[str, str] = {}  # of entry points, by name

    def register(self, name: str) -> Callable[[T], T]:
        """Class decorator (or function decorator) that enters its object under a name."""

        def enter(thing: T) -> T:
            old = self._holder(name, thing)
            if old not in (None, _origin(thing)):
                raise OptionError(
                    f"two {self.group} are named {name!r}: {old} and {_origin(thing)}"
                )
            if inspect.isclass(thing):
                check_class(thing)
            elif inspect.isfunction(thing):
                thing = checked(thing)
            self._found[name] = thing
            thing.registered_name = name  # type: ignore[attr-defined]
            return thing

        return enter

    def _holder(self, name: str, thing: Any) -> str | None:
        """Who has the name already, be it a built-in that is not imported yet."""
        if name in self._found:
            return _origin(self._found[name])
        name = self.aliases.get(name, name)
        if is_builtin(thing) or name not in self._builtin_names():
            return None
        return f"fastcnn.plugins.{self.group}.{name}"

    def get(self, name: str) -> Any:
        """The class or function of that name, imported now if it was not yet."""
        if not isinstance(name, str):
            raise OptionError(f"the name of a {self.kind} must be a text, not {told(name)}")
        name = self.aliases.get(name, name)
        if name not in self._found:
            if name in self._builtin_names():
                import_module(f"fastcnn.plugins.{self.group}.{name}")
            elif points := declared(self.group).get(name):
                self._load(name, points)
        if name not in self._found:
            raise unknown(self.kind, name, self.names())
        return self._found[name]

    def names(self) -> list[str]:
        """All names but aliases, sorted; imports nothing."""
        return sorted({*self._found, *self._builtin_names(), *self._declared()})

    def holds(self, value: Any) -> bool:
        """Whether it is an object of this kind."""
        if self.base is None:
            return callable(value)
        module, _, name = self.base.partition(":")
        return isinstance(value, getattr(import_module(module), name))

    def problems(self) -> dict[str, str]:
        """What is wrong with plugins that were asked for, by name; and with the names of others."""
        self._declared()
        return dict(self._problems)

    def package(self, name: str) -> Package:
        """Which package a thing came from; it must have been got before."""
        if name in self._packages:
            return self._packages[name]
        return package_of_module(module_of(self._found[name]))

    def outside(self) -> list[str]:
        """Names of what has come in so far from other packages."""
        return sorted(name for name, thing in self._found.items() if not is_builtin(thing))

    def _builtin_names(self) -> list[str]:
        spec = find_spec(f"fastcnn.plugins.{self.group}")
        folders = spec.submodule_search_locations if spec else None
        return [m.name for m in pkgutil.iter_modules(folders or [])]

    def _declared(self) -> dict[str, list[EntryPoint]]:
        """Entry points, but those that take the name of a built-in."""
        points = declared(self.group)
        for name in {*self._builtin_names(), *self.aliases} & set(points):
            taken = points.pop(name)[0]
            self._warn(name, taken, "is left out, because fastcnn has one of that name")
        return points

    def _load(self, name: str, points: list[EntryPoint]) -> None:
        """Enter a plugin, or raise and remember what is wrong with it."""
        if name not in self._problems:
            try:
                if len(points) > 1:
                    others = " and ".join(f"{package_of(p)} ({p.value})" for p in points)
                    raise OptionError(f"two packages have {self.group} of that name: {others}")
                self.register(name)(load(points[0], self.base))
                self._packages[name] = package_of(points[0])
            except OptionError as error:
                self._found.pop(name, None)  # its own decorator may have entered it
                self._warn(name, points[0], f"failed to load: {error}")
        if name in self._problems:
            raise OptionError(self._problems[name])

    def _warn(self, name: str, point: EntryPoint, problem: str) -> None:
        """Once for each name; the plugin breaks nothing but itself."""
        text = f"{self.kind} {name!r} of the package {package_of(point)} {problem}"
        if self._problems.setdefault(name, text) is text:
            warnings.warn(text, stacklevel=4)


def is_builtin(thing: Any) -> bool:
    return module_of(thing).partition(".")[0] == "fastcnn"


def module_of(thing: Any) -> str:
    """What was made by exec() may have no module."""
    return thing.__module__ or "__main__"


def _origin(thing: Any) -> str:
    return f"{module_of(thing)}.{thing.__qualname__}"


layers = Registry("layer", "layers", base="fastcnn.engine.layer:Layer")
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
    base="fastcnn.engine.loss:Loss",
)
optimizers = Registry("optimizer", "optimizers", base="fastcnn.engine.optimizer:Optimizer")
regularizers = Registry(
    "regularizer", "regularizers", base="fastcnn.engine.regularizer:Regularizer"
)
initializers = Registry("initializer", "initializers")
callbacks = Registry("callback", "callbacks", base="fastcnn.engine.callback:Callback")
models = Registry("model", "models")
activations = Registry(
    "activation", "activations", base="fastcnn.engine.activation:ActivationFunction"
)
schedules = Registry("schedule", "schedules", base="fastcnn.engine.schedule:Schedule")
constraints = Registry("constraint", "constraints", base="fastcnn.engine.constraint:Constraint")
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
    base="fastcnn.engine.metric:Metric",
)
augmentations = Registry(
    "augmentation", "augmentations", base="fastcnn.engine.augmentation:Augmentation"
)
baselines = Registry(
    "baseline",
    "baselines",
    {
        "color-hist-svm": "color_hist_svm",
        "gradient-boosting": "gradient_boosting",
        "hog+color-svm": "hog_color_svm",
        "hog-color-svm": "hog_color_svm",
        "hog-cv2svm": "hog_cv2svm",
        "hog-svm": "hog_svm",
        "hog-svm-linear": "hog_svm_linear",
        "random-forest": "random_forest",
        "sklearn-mlp": "sklearn_mlp",
    },
    base="fastcnn.engine.baseline:Baseline",
)
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
    if not isinstance(value, dict):
        if not registry.holds(value):
            wanted = "a name, a table or an object"
            names = ", ".join(registry.names())
            raise OptionError(
                f"{registry.kind} must be {wanted}, not {told(value)} (available: {names})"
            )
        return value
    options = dict(value)
    name = options.pop("name", None) or _nameless(registry, value)
    cls = registry.get(name)
    known = option_names(cls)
    for option in () if takes_any(cls) else options:
        if option not in known:
            raise unknown(f"option of {registry.kind} {cls.registered_name!r}", option, known)
    with in_our_words(f"{registry.kind} {name!r}"):
        return cls(**options)


def _nameless(registry: Registry, value: dict) -> NoReturn:
    raise OptionError(f"a {registry.kind} needs a 'name', got {told(value)}")


def option_names(cls: Any) -> list[str]:
    """Names of the options that a class takes."""
    return list(inspect.signature(cls).parameters)


def takes_any(cls: Any) -> bool:
    """Whether it has `**options` that it does not name."""
    parameters = inspect.signature(cls).parameters.values()
    return any(p.kind is p.VAR_KEYWORD for p in parameters)


def config_of(thing: Any) -> dict[str, Any]:
    """{"name": ..., option: value}: what `make` needs to build the same object again."""
    options = [name for name in option_names(type(thing)) if name != "name"]
    values = {option: getattr(thing, option) for option in options}
    return {"name": thing.registered_name, **{k: _plain(v) for k, v in values.items()}}


def _plain(value: Any) -> Any:
    if hasattr(value, "registered_name"):
        return config_of(value)
    return list(value) if isinstance(value, tuple) else value
