"""Checks and conversions of layer options."""

import math
import numbers
from typing import Any

from fastcnn.errors import OptionError
from fastcnn.kernels.geometry import same_padding
from fastcnn.plugins.registry import make, regularizers

Padding = str | int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]]


def positive(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise OptionError(f"{name} must be a positive integer, not {value!r}")
    return value


def number(name: str, value: Any, *, zero: bool = False) -> float:
    """A positive finite number, or also 0."""
    result = float(value) if isinstance(value, numbers.Real) else math.nan
    if isinstance(value, bool) or not (0 <= result < math.inf) or (result == 0 and not zero):
        raise OptionError(f"{name} must be {'0 or ' * zero}a positive number, not {value!r}")
    return result


def fraction(name: str, value: Any) -> float:
    """A number in [0, 1)."""
    result = number(name, value, zero=True)
    if result >= 1:
        raise OptionError(f"{name} lies in [0, 1), not {value!r}")
    return result


def count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise OptionError(f"{name} must be an integer from 0, not {value!r}")
    return value


def pair(name: str, value: Any) -> tuple[int, int]:
    """An integer, or two of them, as (rows, columns)."""
    values = (value, value) if isinstance(value, int) else tuple(value)
    if len(values) != 2:
        raise OptionError(f"{name} must be one integer or two, not {value!r}")
    return positive(name, values[0]), positive(name, values[1])


def penalty(regularizer: Any) -> dict[str, Any]:
    """l1 and l2 of a regularizer given as None, name, {"name": ...} or object."""
    if regularizer is None:
        return {"l1": 0.0, "l2": 0.0}
    made = make(regularizers, regularizer)
    penalties = {"l1": float(made.l1), "l2": float(made.l2)}
    for name, value in penalties.items():
        if not 0 <= value < math.inf:
            raise OptionError(f"the penalty {name} must not be negative, not {value}")
    return penalties


def resolve_padding(
    padding: Padding,
    size: tuple[int, ...],
    kernel: tuple[int, int],
    strides: tuple[int, int],
    dilation: tuple[int, int],
) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) for an image of `size` (height, width)."""
    if padding == "valid":
        return 0, 0, 0, 0
    if padding == "same":
        rows, columns = (
            same_padding(n, k, s, d)
            for n, k, s, d in zip(size, kernel, strides, dilation, strict=True)
        )
        return *rows, *columns
    return explicit_padding(padding)


def explicit_padding(padding: Any) -> tuple[int, int, int, int]:
    """From p, (rows, columns) or ((top, bottom), (left, right))."""
    expected = '"valid", "same", p, (rows, columns) or ((top, bottom), (left, right))'
    try:
        sides = (padding, padding) if isinstance(padding, int) else tuple(padding)
        rows, columns = ((s, s) if isinstance(s, int) else tuple(s) for s in sides)
        top, bottom, left, right = (int(n) for n in (*rows, *columns))
    except (TypeError, ValueError):
        raise OptionError(f"padding must be {expected}, not {padding!r}") from None
    if min(top, bottom, left, right) < 0:
        raise OptionError(f"padding must not be negative: {padding!r}")
    return top, bottom, left, right
