"""Samples in: images, sequences or vectors, as the (N, H, W, C) arrays that the engine gathers."""

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastcnn.data.images import as_pixels, check_images, finite_range, stack_samples
from fastcnn.engine.layer import Shape
from fastcnn.engine.symbolic import to_format
from fastcnn.errors import DataError, OptionError, ShapeError

UINT8, FLOAT32 = np.dtype(np.uint8), np.dtype(np.float32)
Range = tuple[float, float] | None
KINDS = {1: "vectors", 2: "sequences", 3: "images"}


def is_sparse(samples: Any) -> bool:
    """Whether that is one of SciPy's sparse matrices or arrays; SciPy is not imported for it."""
    return hasattr(samples, "toarray") and hasattr(samples, "nnz")


def dense(samples: Any, name: str) -> Any:
    """Sparse matrices as arrays, if those fit in memory; all else as it is."""
    if not is_sparse(samples):
        return samples
    size = math.prod(samples.shape) * samples.dtype.itemsize
    memory = physical_memory()
    if size > memory // 2:
        raise DataError(
            f"{name}: a sparse matrix {samples.shape} becomes an array of {size / 2**30:,.1f} GiB, "
            f"more than half of the memory ({memory / 2**30:,.1f} GiB); give fewer samples or "
            "features at a time"
        )
    return samples.toarray()


def physical_memory() -> int:
    """Bytes of this machine; a terabyte where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 1 << 40


def check_inputs(
    xs: Sequence[Any],
    names: Sequence[str],
    shapes: Sequence[Shape],
    data_format: str,
    what: str,
    dtype: str = "float32",
) -> tuple[list[np.ndarray], list[Range]]:
    """`check_samples` for each input of a model, and that they have one number of samples.

    what: "training", "test", ... in messages.
    """
    if len(xs) == 1:
        array, _, found = check_samples(xs[0], data_format, shapes[0], what, dtype)
        return [array], [found]
    titles = [f"{what} {name!r}:" for name in names]
    checked = [
        check_samples(x, data_format, shape, title, dtype)
        for x, shape, title in zip(xs, shapes, titles, strict=True)
    ]
    arrays = [array for array, _, _ in checked]
    if len({len(array) for array in arrays}) > 1:
        counts = zip(names, map(len, arrays), strict=True)
        text = ", ".join(f"{name!r} {count:,}" for name, count in counts)
        raise DataError(f"{what}: the inputs have different numbers of samples ({text})")
    return arrays, [found for _, _, found in checked]


def check_samples(
    samples: Any, data_format: str, expected: Shape | None, name: str, dtype: str = "float32"
) -> tuple[np.ndarray, Shape, Range]:
    """uint8 or dtype (N, H, W, C); the shape of one sample, channels first; the range, if known.

    samples: vectors (N, features), sequences (N, length, channels) or images (N, height, width,
        channels), with channels after N if data_format is "channels_first"; a single channel may be
        left out. uint8, or other numbers, which are taken by value.
    expected: the shape of a sample, channels first; without it, three axes are grey images.
    """
    if expected is not None and _lies_ready(samples, data_format, expected):
        if samples.dtype is UINT8:
            return samples, expected, None
        if samples.dtype is FLOAT32 and dtype == "float32":
            found = finite_range(samples)
            if found is not None:
                return samples, expected, found
    array = stack_samples(samples, name)
    axes = (1 if array.ndim == 2 else 3) if expected is None else len(expected)
    name = f"{name} {KINDS[axes]}"
    if axes == 3:
        images = check_images(array, data_format, name=name, dtype=dtype)
    else:
        images = _as_images(array, axes, data_format, name, dtype)
    height, width, channels = images.shape[1:]
    shape = {1: (channels,), 2: (channels, width), 3: (channels, height, width)}[axes]
    if expected is not None and shape != expected:
        raise ShapeError(
            f"{name} are {_text(shape, data_format)}, the model takes "
            f"{_text(expected, data_format)} ({data_format})"
        )
    return images, shape, None


def _lies_ready(samples: Any, data_format: str, expected: Shape) -> bool:
    """Whether these are images that lie as they should: told fast, for calls with one image."""
    if type(samples) is not np.ndarray or len(expected) != 3 or data_format != "channels_last":
        return False
    shape = (len(samples) or 1, *expected[1:], expected[0])
    return samples.shape == shape and samples.flags.c_contiguous


def _as_images(array: np.ndarray, axes: int, data_format: str, name: str, dtype: str) -> np.ndarray:
    """Vectors become images of one pixel, sequences images of one row."""
    if axes == 2 and array.ndim == 2:
        array = array[..., None] if data_format == "channels_last" else array[:, None]
    if array.ndim != axes + 1:
        order = "(N, length, C)" if data_format == "channels_last" else "(N, C, length)"
        wanted = "(N, features)" if axes == 1 else order
        raise DataError(f"{name} have shape {array.shape}; expected {wanted}")
    if 0 in array.shape:
        what = f"no {KINDS[axes]}" if len(array) == 0 else f"empty {KINDS[axes]}"
        raise DataError(f"{name}: {what} (shape {array.shape})")
    array = as_pixels(array, name, dtype)
    if axes == 2 and data_format == "channels_first":
        array = array.transpose(0, 2, 1)
    length = array.shape[1] if axes == 2 else 1
    return np.ascontiguousarray(array).reshape(len(array), 1, length, -1)


def as_samples(rows: np.ndarray, shape: Shape, data_format: str) -> np.ndarray:
    """Rows (N, features) as outputs of this shape, channels first, in the data format."""
    if len(shape) == 1:
        return rows
    array = rows.reshape(len(rows), *shape)
    last = data_format == "channels_last"
    return np.ascontiguousarray(np.moveaxis(array, 1, -1)) if last else array


def _text(sample: Shape, data_format: str) -> str:
    return "x".join(map(str, to_format(sample, data_format)))


def in_order(
    given: Any, names: Sequence[str], what: str, *, lists_are_things: bool = False
) -> list[Any]:
    """A list in the order of these names, from one thing, a list of them or {name: thing}.

    lists_are_things: for a single name a list is the thing itself, e.g. a list of images.
    """
    if isinstance(given, dict):
        wrong = sorted(set(given) ^ set(names), key=str)
        if wrong:
            raise OptionError(f"{what} must be {_list(names)}, not {_list(given)}")
        return [given[name] for name in names]
    if len(names) == 1 and (lists_are_things or not isinstance(given, list | tuple)):
        return [given]
    if not isinstance(given, list | tuple) or len(given) != len(names):
        got = len(given) if isinstance(given, list | tuple) else type(given).__name__
        raise OptionError(
            f"{what}: expected a list of {len(names)} or a dict, for {_list(names)}; got {got}"
        )
    return list(given)


def _list(names: Any) -> str:
    return ", ".join(repr(name) for name in names)
