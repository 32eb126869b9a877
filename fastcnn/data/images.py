"""Images in: pictures read by OpenCV, and the checks that all arrays of images pass."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from fastcnn.data.picture_header import find_fault
from fastcnn.errors import DataError, OptionError, unknown

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
        raise DataError(f"{name} have shape {array.shape}; expected ({count},), one per image")
    if len(array) != count:
        raise DataError(f"{len(array):,} {name} for {count:,} images; expected one per image")
    if array.dtype.kind not in "iu":
        raise DataError(f"{name} are {array.dtype}; expected integers from 0")
    top = MAX_CLASSES if classes is None else classes
    wrong = (array < 0) | (array >= top)
    if wrong.any():
        first = int(wrong.argmax())
        raise DataError(f"{name}[{first}] is {array[first]}; expected 0 to {top - 1:,}")
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


def check_size(size: int | Sequence[int] | None) -> tuple[int, int] | None:
    """An image size as (height, width); one number means a square."""
    if size is None:
        return None
    pair = (size, size) if isinstance(size, (int, np.integer)) else tuple(size)
    if len(pair) != 2 or not all(isinstance(n, (int, np.integer)) and n > 0 for n in pair):
        raise OptionError(f"image size {size!r}; expected a number or (height, width), positive")
    return int(pair[0]), int(pair[1])


def read_picture(path: str | Path) -> np.ndarray:
    """A picture file as uint8, (H, W) if it is stored in grey, else (H, W, 3) in RGB order."""
    import cv2

    # Not cv2.imread: it prints about missing files and fails on some non-ASCII names.
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
    if fault := find_fault(data):
        raise DataError(f"{path}: damaged picture: {fault}")
    logging = cv2.utils.logging
    level = logging.setLogLevel(logging.LOG_LEVEL_SILENT)  # the DataError says it in one line
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_ANYCOLOR)
    except cv2.error:  # an empty file, or larger than OpenCV's limits
        picture = None
    finally:
        logging.setLogLevel(level)
    if picture is None:
        raise DataError(f"{path}: not a picture that OpenCV can read (JPEG, PNG, BMP, WebP, TIFF)")
    return picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def to_rgb(picture: np.ndarray) -> np.ndarray:
    """(H, W) or (H, W, 3) -> (H, W, 3)."""
    return np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture


def to_grey(picture: np.ndarray) -> np.ndarray:
    """(H, W) or RGB (H, W, 3) -> (H, W)."""
    import cv2

    return picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W) or (H, W, C) to another (height, width): averaged when it shrinks, else linear."""
    import cv2

    height, width = size
    if image.shape[:2] == size:
        return image
    if image.ndim == 3 and image.shape[2] > 4:  # more than cv2 takes at once
        parts = [resize(image[..., c : c + 4], size) for c in range(0, image.shape[2], 4)]
        return np.concatenate(parts, axis=2)
    smaller = height < image.shape[0] or width < image.shape[1]
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    resized = cv2.resize(image, (width, height), interpolation=method)
    return resized.reshape(size + image.shape[2:])  # cv2 drops a last axis of 1


def resize_images(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(N, H, W, C) to another (height, width)."""
    if images.shape[1:3] == size:
        return images
    resized = np.empty((len(images), *size, images.shape[3]), images.dtype)
    for target, image in zip(resized, images, strict=True):
        target[:] = resize(image, size)
    return resized


def read_images(
    paths: Iterable[str | Path], size: int | tuple[int, int], channels: int
) -> np.ndarray:
    """Picture files as uint8 (N, H, W, C), resized to `size`; 1 channel is grey, 3 are RGB."""
    if channels not in (1, 3):
        raise DataError(f"pictures give 1 or 3 channels, not {channels}")
    shape = check_size(size)
    if shape is None:
        raise OptionError("image size None; expected a number or (height, width), positive")
    convert = to_grey if channels == 1 else to_rgb
    pictures = [resize(convert(read_picture(path)), shape) for path in paths]
    if not pictures:
        raise DataError("no picture files given")
    return np.stack(pictures).reshape(-1, *shape, channels)
