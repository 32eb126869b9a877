"""Images in: pictures read from files, and the checks that all arrays of images pass."""

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from fastcnn.data.picture import PictureError, decode_picture, read_bytes
from fastcnn.data.picture_options import PictureOptions
from fastcnn.data.picture_set import read_named
from fastcnn.errors import DataError, unknown

DATA_FORMATS = ("channels_last", "channels_first")
MAX_CLASSES = 1 << 16  # a stray label must not ask for a list of a billion class names


def check_images(
    images: object,
    data_format: str = "channels_last",
    *,
    name: str = "images",
    dtype: str = "float32",
) -> np.ndarray:
    """Images of any accepted form as uint8 or floats of dtype, (N, H, W, C), C contiguous.

    images: uint8, or numbers taken by value; (N, H, W, C), or (N, C, H, W) with
        data_format="channels_first", or grey (N, H, W); an array or a sequence of images of one
        shape
    Copies only where dtype or layout have to change.
    """
    if data_format not in DATA_FORMATS:
        raise unknown("data_format", data_format, DATA_FORMATS)
    array = stack_samples(images, name)
    if array.ndim not in (3, 4):
        expected = "(N, H, W, C)" if data_format == "channels_last" else "(N, C, H, W)"
        raise DataError(f"{name} have shape {array.shape}; expected {expected} or (N, H, W)")
    if 0 in array.shape:
        what = "no images" if len(array) == 0 else "empty images"
        raise DataError(f"{name}: {what} (shape {array.shape})")
    array = as_pixels(array, name, dtype)
    if array.ndim == 3:
        array = array[..., None]
    elif data_format == "channels_first":
        array = array.transpose(0, 2, 3, 1)
    return np.ascontiguousarray(array)


def check_labels(
    labels: object, count: int, classes: int | None = None, *, name: str = "labels"
) -> np.ndarray:
    """Class indices as int64 (count,), each in 0..classes-1.

    labels: integers, (N,) or (N, 1); without `classes` any index below 65,536 passes
    """
    array = np.asarray(labels)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        one_hot = array.ndim == 2 and array.size and set(np.unique(array)) <= {0, 1}
        one_hot = one_hot and bool((array.sum(axis=1) == 1).all())
        hint = "; of one-hot rows take labels.argmax(axis=1)" if one_hot else ""
        raise DataError(
            f"{name} have shape {array.shape}; expected ({count},), one per image{hint}"
        )
    if len(array) != count:
        raise DataError(f"{len(array):,} {name} for {count:,} images; expected one per image")
    if array.dtype.kind not in "iu":
        raise DataError(f"{name} are {array.dtype}; expected integers from 0")
    top = MAX_CLASSES if classes is None else classes
    wrong = (array < 0) | (array >= top)
    if wrong.any():
        first = int(wrong.argmax())
        text = f"{name}[{first}] is {array[first]}; expected 0 to {top - 1:,}"
        if classes is not None and array.min() > 0 and array.max() == classes:
            text += f": labels from 1 to {classes} become those by subtracting 1"
        raise DataError(text)
    return np.ascontiguousarray(array, np.int64)


def stack_samples(images: object, name: str) -> np.ndarray:
    """One array from an array or a sequence of images; ragged ones are named."""
    if not isinstance(images, (list, tuple)):
        images = np.asarray(images)
        if images.dtype.kind != "O":
            return images
    try:
        parts = [np.asarray(image) for image in images]
    except (TypeError, ValueError):  # a 0-d object, or one image ragged in itself
        raise DataError(f"{name} are no array of numbers; expected (N, H, W, C)") from None
    for index, part in enumerate(parts):
        if part.shape != parts[0].shape:
            raise DataError(
                f"{name}[{index}] has shape {part.shape}, {name}[0] {parts[0].shape}; "
                "expected one size and one number of channels"
            )
    return np.stack(parts) if parts else np.empty((0, 0, 0, 0), np.uint8)


def as_pixels(array: np.ndarray, name: str, dtype: str = "float32") -> np.ndarray:
    """uint8 as it is, all other numbers by value, as finite floats of dtype."""
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind not in "fiub":
        raise DataError(f"{name} are {array.dtype}; expected uint8 (0 to 255) or numbers")
    with np.errstate(all="ignore"):  # what overflows becomes inf and is named below
        array = array.astype(dtype, copy=False)
    if finite_range(array) is None:
        first = np.unravel_index(int(np.argmin(np.isfinite(array))), array.shape)
        where = ", ".join(str(i) for i in first)
        raise DataError(f"{name}[{where}] is {array[first]}; expected finite {dtype} values")
    return array


def finite_range(array: np.ndarray) -> tuple[float, float] | None:
    """The smallest and the largest number, or None if not all are finite: a NaN passes for both."""
    low, high = array.item(array.argmin()), array.item(array.argmax())
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def read_picture(path: str | Path, options: PictureOptions | None = None) -> np.ndarray:
    """A picture file as uint8, uint16 (with its own levels) or float32, see `Picture`."""
    try:
        return decode_picture(read_bytes(path), options or PictureOptions()).pixels
    except PictureError as error:
        raise DataError(f"{path}: {error.reason}") from error


def read_images(
    paths: Iterable[str | Path],
    size: int | tuple[int, int],
    channels: int,
    options: PictureOptions | None = None,
) -> np.ndarray:
    """Picture files as (N, H, W, C), resized to `size`; 1 channel is grey, 3 are RGB.

    uint8, or float32 in 0..1 if one has more than 8 bits.
    """
    return read_named(paths, size, channels, options or PictureOptions()).images
