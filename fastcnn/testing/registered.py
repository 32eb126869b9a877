"""What every registered thing owes: a name, documentation, and options that make it again."""

import inspect
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastcnn.errors import OptionError
from fastcnn.plugins import discovery
from fastcnn.plugins.registry import Registry, config_of, make, option_names

NONSENSE = "no_such_option"


@contextmanager
def case(what: str) -> Iterator[None]:
    """Whatever goes wrong inside becomes an AssertionError that begins with `what`."""
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"{what}: {error}") from error
    except Exception as error:
        raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error


@contextmanager
def checking(registry: Registry, thing: Any, *, saved: bool = True) -> Iterator[Any]:
    """The object, once it is found to be registered; failures inside are called by its name.

    saved: whether model files hold such things.
    """
    with case(f"{registry.kind} {thing!r}"):
        made = make(registry, thing)
    with case(f"{registry.kind} {getattr(made, 'registered_name', None) or repr(made)!r}"):
        _registered(registry, made)
        _refuses_nonsense(registry, made)
        if saved:
            _made_again(registry, made)
        yield made


def _registered(registry: Registry, made: Any) -> None:
    cls, name = type(made), getattr(made, "registered_name", "")
    assert name, f"{cls.__name__} is not registered: @{registry.group}.register(name)"
    found = registry.get(name)
    assert found is cls, f"the name belongs to {found.__module__}.{found.__qualname__}"
    discovery.check(cls, registry.base)
    assert cls.__doc__, f"{cls.__name__} has no docstring, which `fastcnn plugins` would show"


def options_of(made: Any) -> dict[str, Any]:
    """{"name": ..., option: value}; an AssertionError names options that were not stored."""
    for option in option_names(type(made)):
        if option != "name":
            assert hasattr(made, option), (
                f"the option {option!r} is not stored as an attribute of that name, so that "
                "neither a model file nor a copy can have it"
            )
    return config_of(made)


def _made_again(registry: Registry, made: Any) -> None:
    options = options_of(made)
    try:
        text = json.dumps(options, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise AssertionError(f"its options can't be written to a file: {error}") from error
    again = json.dumps(options_of(make(registry, json.loads(text))), sort_keys=True)
    assert again == text, f"its options {text} make another one: {again}"


def _refuses_nonsense(registry: Registry, made: Any) -> None:
    try:
        make(registry, {"name": made.registered_name, NONSENSE: 1})
    except OptionError as error:
        assert NONSENSE in str(error), f"the error about an unknown option hides it: {error}"
        return
    signature = inspect.signature(type(made))
    raise AssertionError(f"it takes options that do not exist: {type(made).__name__}{signature}")
