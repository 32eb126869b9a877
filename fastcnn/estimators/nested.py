"""Parameters of parameters: `optimizer__learning_rate`, `loss__label_smoothing`,
`layers__2__filters`, and for models by name `layers__shortcut`.

What is inside is seen and set from outside, as with scikit-learn's nested estimators, though
parameters are names and tables.
"""

import inspect
from typing import Any

from sklearn.base import BaseEstimator

from fastcnn.errors import FastcnnError, OptionError, unknown
from fastcnn.estimators.layer_specs import as_table, layer_specs, names_model
from fastcnn.plugins.registry import Registry, config_of, layers, losses, models, optimizers

REGISTRIES = {"optimizer": optimizers, "loss": losses}
NESTED = (*REGISTRIES, "layers")
OTHER_NAMES = {"optimizer": {"lr": "learning_rate"}}
GIVEN = ("input_shape", "classes")  # to models, by the data
Table = dict[str, Any]


class NestedParameters(BaseEstimator):
    """get_params and set_params that look into `optimizer`, `loss` and `layers`."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name; deep: also those within optimizer, loss and layers."""
        params = super().get_params(deep=deep)
        if deep:
            for name in NESTED:
                inner = _options(name, params[name])
                params |= {f"{name}__{option}": value for option, value in inner.items()}
        return params

    def set_params(self, **params: Any) -> "NestedParameters":
        """Set parameters; `optimizer__lr` stands for `optimizer__learning_rate`.

        layers__2__filters: an option of the third layer; layers__2: the whole layer.
        """
        inner: dict[str, Table] = {}
        outer = {}
        for key, value in params.items():
            name, separator, option = key.partition("__")
            if separator and name in NESTED:
                inner.setdefault(name, {})[option] = value
            else:
                outer[key] = value
        super().set_params(**outer)
        for name, changes in inner.items():
            setattr(self, name, _changed(name, getattr(self, name), changes))
        return self


def _options(name: str, value: Any) -> Table:
    """Options inside a parameter; none where it can't be read, which `fit` will say."""
    try:
        if name != "layers":
            return _all_options(REGISTRIES[name], value)
        if value == "auto":
            return {}
        if names_model(value):
            return _all_options(models, value)
        specs = enumerate(layer_specs(value))
        tables = {f"{number}": _all_options(layers, spec) for number, spec in specs}
    except (FastcnnError, TypeError, ValueError, AttributeError, KeyError):
        return {}
    return {f"{place}__{k}": v for place, table in tables.items() for k, v in table.items()}


def _all_options(registry: Registry, value: Any) -> Table:
    """The options of a name, a table or an object, defaults included."""
    table = _as_table(registry, value)
    known = _parameters(registry, table.pop("name")).values()
    return {p.name: p.default for p in known if p.default is not p.empty} | table


def _parameters(registry: Registry, name: str) -> dict[str, inspect.Parameter]:
    """Options that can be set; "name" is that of the table."""
    hidden = ("name", *GIVEN) if registry is models else ("name",)
    found = inspect.signature(registry.get(name)).parameters
    return {option: parameter for option, parameter in found.items() if option not in hidden}


def _as_table(registry: Registry, value: Any) -> Table:
    if isinstance(value, str):
        return {"name": value}
    if not isinstance(value, dict) and not hasattr(value, "registered_name"):
        raise OptionError(f"{registry.kind} must be a name, a table or an object, not {value!r}")
    return dict(value) if isinstance(value, dict) else config_of(value)


def _changed(name: str, value: Any, changes: Table) -> Any:
    """A new value of the parameter, in which these options have these values."""
    if value == "auto":
        raise OptionError(f"{name} is 'auto': give {name} itself before its options {[*changes]}")
    if name == "layers" and not names_model(value):
        return _changed_layers(value, changes)
    registry = models if name == "layers" else REGISTRIES[name]
    table = _as_table(registry, value)
    other = OTHER_NAMES.get(name, {})
    return _with(registry, table, {other.get(k, k): v for k, v in changes.items()})


def _changed_layers(value: Any, changes: Table) -> list[Any]:
    specs: list[Any] = layer_specs(value)
    for key, new in changes.items():
        place, _, option = key.partition("__")
        if not place.isdecimal() or int(place) >= len(specs):
            raise unknown("layer", place, map(str, range(len(specs))))
        old = specs[int(place)]
        specs[int(place)] = _with(layers, as_table(old), {option: new}) if option else new
    return specs


def _with(registry: Registry, table: Table, changes: Table) -> Table:
    known = _parameters(registry, table["name"])
    for option in changes:
        if option not in known:
            raise unknown(f"option of {registry.kind} {table['name']!r}", option, known)
    return table | changes
