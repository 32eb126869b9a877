"""Checks and conversions of layer options."""

import math
import numbers
from typing import Any

from fastcnn.engine.layer import Shape
from fastcnn.errors import OptionError, ShapeError
from fastcnn.kernels.geometry import Pair, same_padding
from fastcnn.plugins.registry import make, regularizers

MOST_PIXELS = 2**16 - 1  # of a kernel, stride, dilation or border along one axis
Padding = str | int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]]


def positive(name: str, value: Any, most: float = math.inf) -> int:
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not (whole and 1 <= value <= most):
        limit = "" if most == math.inf else f" up to {most}"
        raise OptionError(f"{name} must be a positive integer{limit}, not {value!r}")
    return int(value)


def one_of(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise OptionError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
    return value


def per_axis(name: str, value: Any, axes: int) -> tuple[int, ...]:
    """An integer for all axes, or one for each."""
    values = (value,) * axes if isinstance(value, numbers.Integral) else tuple(value)
    if len(values) != axes:
        wanted = "one integer" + (" or two" if axes == 2 else "")
        raise OptionError(f"{name} must be {wanted}, not {value!r}")
    return tuple(positive(name, v, MOST_PIXELS) for v in values)


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
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 0:
        raise OptionError(f"{name} must be an integer from 0, not {value!r}")
    return int(value)


def pair(name: str, value: Any) -> tuple[int, int]:
    """An integer, or two of them, as (rows, columns)."""
    rows, columns = per_axis(name, value, 2)
    return rows, columns


def check_image(shape: Shape, axes: int) -> None:
    if len(shape) != axes + 1:
        wanted = "images (channels, height, width)" if axes == 2 else "rows (channels, length)"
        raise ShapeError(f"needs {wanted}, not {shape}")


def sample_axis(axis: int, shape: Shape) -> int:
    """Where an axis as in Keras, (batch, ..., channels), lies in our samples (channels, ...)."""
    axes = len(shape)
    number = axis if axis >= 0 else axis + axes + 1
    if not 1 <= number <= axes:
        raise ShapeError(f"axis {axis} of samples {shape}: there are 1 to {axes} and -1")
    return number % axes


def as_pair(sizes: tuple[int, ...]) -> Pair:
    """(height, width) of an image or, with height 1, of a row."""
    return (1, sizes[0]) if len(sizes) == 1 else (sizes[0], sizes[1])


def dropout_rate(rate: Any) -> float:
    """The probability with which something is dropped."""
    if not 0 <= rate < 1:
        raise OptionError(f"a dropout rate lies in [0, 1), not {rate}")
    return float(rate)


def penalty(regularizer: Any) -> dict[str, Any]:
    """l1, l2 and the kernel's owner of a regularizer: None, name, {"name": ...} or object."""
    if regularizer is None:
        return {"l1": 0.0, "l2": 0.0}
    made = make(regularizers, regularizer)
    with_kernel = made if made.kernel is not None else None
    return {"l1": float(made.l1), "l2": float(made.l2), "regularizer": with_kernel}


def activity_penalty(regularizer: Any) -> dict[str, float]:
    """l1 and l2 of a regularizer of activations, given likewise."""
    penalties = penalty(regularizer)
    if penalties.pop("regularizer", None) is not None:
        raise OptionError(f"activity_regularizer must be l1, l2 or l1l2, not {regularizer!r}")
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
    return explicit_padding(padding, words='"valid", "same", ')


def row_padding(padding: Any) -> Padding:
    """Padding of a row, p or (before, after), as padding of an image of height 1."""
    if isinstance(padding, str):
        return padding
    try:
        before, after = (padding, padding) if isinstance(padding, int) else padding
    except (TypeError, ValueError):
        expected = '"valid", "same", p or (before, after)'
        raise OptionError(f"padding must be {expected}, not {padding!r}") from None
    return (0, 0), (before, after)


def explicit_padding(
    padding: Any, name: str = "padding", words: str = ""
) -> tuple[int, int, int, int]:
    """From p, (rows, columns) or ((top, bottom), (left, right)). words: what else could stand."""
    expected = f"{words}p, (rows, columns) or ((top, bottom), (left, right))"
    try:
        sides = (padding, padding) if isinstance(padding, int) else tuple(padding)
        rows, columns = ((s, s) if isinstance(s, int) else tuple(s) for s in sides)
        top, bottom, left, right = (int(n) for n in (*rows, *columns))
    except (TypeError, ValueError):
        raise OptionError(f"{name} must be {expected}, not {padding!r}") from None
    if min(top, bottom, left, right) < 0:
        raise OptionError(f"{name} must not be negative: {padding!r}")
    if max(top, bottom, left, right) > MOST_PIXELS:
        raise OptionError(f"{name} must be at most {MOST_PIXELS}, not {padding!r}")
    return top, bottom, left, right
