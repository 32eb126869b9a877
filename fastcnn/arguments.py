"""What arguments may be: a check by their annotations, for everything that users call.

An annotation says the kind (`int`, `float | None`, `tuple[int, ...]`); what range a number lies in
is checked where the number is used. An annotation of a class that is not listed here, or `Any`,
says nothing.
"""

import inspect
import math
import numbers
import os
import types
import typing
from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import Any, NamedTuple, TypeVar

from fastcnn.errors import FastcnnError, OptionError, told, unknown

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
LARGEST = 2**31 - 1  # of whole numbers: products of a few sizes stay within 64 bits


class Kind(NamedTuple):
    """What an annotation allows. words: how a message calls it."""

    allows: Callable[[Any], bool]
    words: str


def is_whole(value: Any) -> bool:
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return whole and -LARGEST <= value <= LARGEST


def is_number(value: Any) -> bool:
    """Finite, and no truth value."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer of 400 digits
        return False


def is_truth(value: Any) -> bool:
    return isinstance(value, bool) or (
        type(value).__module__ == "numpy" and type(value).__name__ in ("bool", "bool_")
    )


def _is_one_of(value: Any, allowed: tuple[Any, ...]) -> bool:
    return any(type(value) is type(one) and value == one for one in allowed)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple | range) or (
        type(value).__module__ == "numpy" and getattr(value, "ndim", 0) == 1
    )


PLAIN: dict[Any, Kind] = {
    int: Kind(is_whole, "a whole number"),
    float: Kind(is_number, "a finite number"),
    bool: Kind(is_truth, "True or False"),
    str: Kind(lambda value: isinstance(value, str), "a text"),
    os.PathLike: Kind(lambda value: isinstance(value, os.PathLike), "a path"),
    type(None): Kind(lambda value: value is None, "None"),
    dict: Kind(lambda value: isinstance(value, dict), "a table {name: value}"),
    Callable: Kind(callable, "a function"),
}
ANYTHING = Kind(lambda value: True, "anything")


def kind_of(annotation: Any) -> Kind:
    """What an annotation allows; anything, if that can't be told."""
    if inspect.isclass(annotation) and issubclass(annotation, os.PathLike):
        return PLAIN[os.PathLike]
    if isinstance(annotation, type) and annotation in PLAIN:
        return PLAIN[annotation]
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return _union([kind_of(one) for one in inner])
    if origin is typing.Literal:
        return Kind(lambda value: _is_one_of(value, inner), " or ".join(map(repr, inner)))
    if origin in (tuple, list, Sequence):
        return _list_of(origin, inner)
    if origin is dict:
        return PLAIN[dict]
    return PLAIN[Callable] if origin is Callable else ANYTHING


def _union(kinds: list[Kind]) -> Kind:
    if ANYTHING in kinds:
        return ANYTHING
    words = dict.fromkeys(kind.words for kind in kinds)
    return Kind(lambda value: any(kind.allows(value) for kind in kinds), " or ".join(words))


def _list_of(origin: Any, inner: tuple[Any, ...]) -> Kind:
    """A list, a tuple and a row of an array are one: files know only lists."""
    fixed = origin is tuple and Ellipsis not in inner
    kinds = [kind_of(one) for one in inner if one is not Ellipsis]

    def allows(value: Any) -> bool:
        if not _is_list(value) or (fixed and len(value) != len(kinds)):
            return False
        each = kinds if fixed else kinds[:1] * len(value)
        return all(kind.allows(one) for kind, one in zip(each, value, strict=True))

    if not kinds or kinds[0] is ANYTHING:
        return Kind(allows, "a list")
    plural = kinds[0].words.removeprefix("a ") + "s"
    return Kind(allows, f"{len(kinds)} {plural}" if fixed else f"a list of {plural}")


def check(owner: str, name: str, value: Any, kind: Kind) -> None:
    """An OptionError, if the argument is of another kind."""
    if not kind.allows(value):
        large = isinstance(value, numbers.Integral) and abs(int(value)) > LARGEST
        limit = " within 31 bits" if large else ""
        raise OptionError(f"{owner}: {name} must be {kind.words}{limit}, not {told(value)}")


def checked(function: F, described: Any = None) -> F:
    """The function, whose arguments are checked first; what it can't be called with is an
    OptionError as well. described: what has the signature, if it is not the function itself.

    A TypeError, ValueError, ... that the function raises nevertheless becomes an OptionError.
    """
    if hasattr(function, "checks_arguments"):
        return function
    described = described or function

    owner = described.__qualname__.rpartition("<locals>.")[2].removesuffix(".__init__")

    @cache
    def expected() -> tuple[inspect.Signature, dict[str, Kind]]:
        signature = inspect.signature(described)
        found = {name: kind_of(p.annotation) for name, p in signature.parameters.items()}
        return signature, {name: kind for name, kind in found.items() if kind is not ANYTHING}

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        signature, kinds = expected()
        own = args[1:] if described is not function else args  # without self
        given = _bound(signature, owner, own, options)
        for name, value in given.items():
            if name in kinds:
                check(owner, name, value, kinds[name])
        try:
            return function(*args, **options)
        except FastcnnError:
            raise
        except (TypeError, ValueError, ArithmeticError) as error:
            raise OptionError(f"{owner}: {error}") from error

    call.checks_arguments = True  # type: ignore[attr-defined]
    return typing.cast("F", call)


def _bound(
    signature: inspect.Signature, owner: str, args: tuple[Any, ...], options: dict[str, Any]
) -> dict[str, Any]:
    try:
        return signature.bind(*args, **options).arguments
    except TypeError as error:
        names = [name for name in signature.parameters if name != "self"]
        for option in options:
            if option not in names:
                raise unknown(f"option of {owner}", option, names) from None
        raise OptionError(f"{owner}: {error}; it takes {', '.join(names) or 'none'}") from None


def check_class(cls: type[T]) -> type[T]:
    """From now on objects of this class are made with checked arguments."""
    if cls.__init__ is not object.__init__:  # else there are no options
        cls.__init__ = checked(cls.__init__, cls)  # type: ignore[method-assign]
    return cls


def check_attributes(thing: Any) -> None:
    """The same for an estimator, whose arguments are checked when it is fitted."""
    cls: Any = type(thing)
    for name, kind in _kinds(cls).items():
        check(type(thing).__name__, name, getattr(thing, name), kind)


@cache
def _kinds(cls: type) -> dict[str, Kind]:
    found = {p.name: kind_of(p.annotation) for p in inspect.signature(cls).parameters.values()}
    return {name: kind for name, kind in found.items() if kind is not ANYTHING}
