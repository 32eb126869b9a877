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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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


def checked(function: F) -> F:
    """The function, whose arguments are checked first; one that it does not take is an
    OptionError as well."""
    expected = _expectations(function)

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        expected().check(args, options)
        return function(*args, **options)

    return typing.cast("F", call)


def check_class(cls: type[T]) -> type[T]:
    """From now on objects of this class are made with checked arguments.

    A TypeError or ValueError of its own `__init__` becomes an OptionError.
    """
    made = cls.__init__
    if made is object.__init__ or hasattr(made, "checks_arguments"):  # no options; of a base class
        return cls
    expected = _expectations(cls)

    @wraps(made)
    def call(self: Any, *args: Any, **options: Any) -> None:
        expected().check(args, options)
        with in_our_words(cls.__name__):
            made(self, *args, **options)

    call.checks_arguments = True  # type: ignore[attr-defined]
    cls.__init__ = call  # type: ignore[method-assign]
    return cls


@contextmanager
def in_our_words(owner: str) -> Iterator[None]:
    """What Python says of options that were taken for good becomes an OptionError."""
    try:
        yield
    except FastcnnError:
        raise
    except (TypeError, ValueError, ArithmeticError) as error:
        raise OptionError(f"{owner}: {error}") from error


class Expected(NamedTuple):
    """What a function or class takes."""

    owner: str
    signature: inspect.Signature
    kinds: dict[str, Kind]

    def check(self, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        for name, value in _bound(self.signature, self.owner, args, options).items():
            if name in self.kinds:
                check(self.owner, name, value, self.kinds[name])


def _expectations(described: Any) -> Callable[[], Expected]:
    """Found at the first call: what is imported should not wait for it."""
    owner = described.__qualname__.rpartition("<locals>.")[2].removesuffix(".__init__")

    @cache
    def expected() -> Expected:
        signature = inspect.signature(described)
        return Expected(owner, signature, _kinds(signature))

    return expected


def _kinds(signature: inspect.Signature) -> dict[str, Kind]:
    found = {p.name: kind_of(p.annotation) for p in signature.parameters.values()}
    return {name: kind for name, kind in found.items() if kind is not ANYTHING}


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


def check_attributes(thing: Any) -> None:
    """The same for an estimator, whose arguments are checked when it is fitted."""
    for name, kind in _kinds(inspect.signature(type(thing))).items():
        check(type(thing).__name__, name, getattr(thing, name), kind)
