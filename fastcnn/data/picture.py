"""One picture: bytes in, pixels out. What is done to each kind stands in one table."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fastcnn.data.complaints import catch_complaints
from fastcnn.data.known_formats import format_of_bytes
from fastcnn.data.picture_header import Header, find_fault, pnm_maximum, read_header
from fastcnn.data.picture_options import PictureOptions
from fastcnn.data.picture_types import (
    PictureType,
    is_readable,
    picture_type,
    unreadable_reason,
)
from fastcnn.errors import DataError

# OpenCV gives alpha only with IMREAD_UNCHANGED, and turns by EXIF only without it.
TURNED_BY_US = ("PNG", "WebP", "AVIF")
ALWAYS_UNCHANGED = ("AVIF", "JPEG 2000", "GIF", "PAM")
DRAWN_AT_ONCE = 1 << 18  # pixels: more would take much memory in float64
UNKNOWN = "not a picture that OpenCV can read (JPEG, PNG, GIF, WebP, TIFF, ...)"
FIRST_ONLY = "the first picture of several is read (animation or pages)"
TRUNCATED = ("Premature end of JPEG", "Corrupt JPEG data: premature end")


class PictureError(DataError):
    """A picture that isn't read. `reason` says why; `damaged` is False for a type that OpenCV
    doesn't know."""

    def __init__(self, reason: str, damaged: bool = True) -> None:
        super().__init__(reason)
        self.reason, self.damaged = reason, damaged


@dataclass(frozen=True)
class Picture:
    """pixels: uint8, uint16 or float32, (H, W) if it is stored in grey, else (H, W, 3) RGB.

    notes: what is not as it seems: further frames, complaints of the decoder
    """

    pixels: np.ndarray
    notes: tuple[str, ...] = ()


def decode_picture(data: bytes, options: PictureOptions) -> Picture:
    """The picture in these bytes; PictureError for what can't be read.

    Turned upright by EXIF, transparency drawn onto the background, 16-bit values as stored.
    """
    kind = picture_type(data)
    if not data:
        raise PictureError("not a picture: the file is empty")
    if kind is None:
        found = format_of_bytes(data)
        raise PictureError(f"not a picture, but {found.text}" if found else UNKNOWN)
    if not is_readable(kind):
        raise PictureError(unreadable_reason(kind), damaged=False)
    if fault := find_fault(kind.name, data):
        raise PictureError(f"damaged picture: {fault}")
    header = read_header(kind.name, data)
    _check_size(header, options.max_pixels)
    stored, complaints = _decode(data, kind, header)
    pixels = _convert(stored, kind, header, data, options)
    more = (FIRST_ONLY,) if header is not None and header.animated else ()
    return Picture(np.ascontiguousarray(pixels), (*more, *complaints))


def _check_size(header: Header | None, most: int) -> None:
    if header is None:
        return
    pixels = max(header.width * header.height, header.bytes // 3)
    if pixels > most:
        raise PictureError(
            f"{header.width}x{header.height} pixels take {header.bytes:,} bytes, which counts as "
            f"{pixels:,} pixels; the limit is {most:,} (max_pixels)"
        )


def _decode(data: bytes, kind: PictureType, header: Header | None) -> tuple[np.ndarray, list[str]]:
    """What OpenCV makes of it, and what its decoders complain of."""
    import cv2

    logging = cv2.utils.logging
    unchanged = kind.name in ALWAYS_UNCHANGED or (header is not None and header.alpha)
    flags = cv2.IMREAD_UNCHANGED if unchanged else cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH
    with catch_complaints() as complaints:
        level = logging.setLogLevel(logging.LOG_LEVEL_SILENT)  # the error says it in one line
        try:
            picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        except cv2.error:  # an empty file, or larger than OpenCV's limits
            picture = None
        finally:
            logging.setLogLevel(level)
    if picture is None:
        said = f": {complaints[0]}" if complaints else ""
        raise PictureError(
            f"not a picture that OpenCV can read, though it begins as {kind.name}{said}"
        )
    if any(line.startswith(TRUNCATED) for line in complaints):
        raise PictureError("damaged picture: truncated")
    return picture, complaints


def _as_it_is(picture: np.ndarray) -> np.ndarray:
    return picture


def _finite(picture: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        picture = picture.astype(np.float32, copy=False)
    if not np.isfinite(picture).all():
        raise PictureError("a float picture with values that are no finite float32 numbers")
    return picture


def _refused(picture: np.ndarray) -> np.ndarray:
    raise PictureError(
        f"a picture of {picture.dtype} values, for which no scale is known: store it as 8 or 16 "
        "bits or as float, or give it as an array",
        damaged=False,
    )


def _grey(picture: np.ndarray, header: Header | None, options: PictureOptions) -> np.ndarray:
    grey = picture.reshape(picture.shape[:2])
    if header is None or header.key is None:
        return grey
    white = _white(picture.dtype)
    alpha = np.where(grey == header.key, 0, white).astype(picture.dtype)
    return _draw(np.stack([grey, grey, grey, alpha], axis=-1), header, options)


def _rgb(picture: np.ndarray, header: Header | None, options: PictureOptions) -> np.ndarray:
    return picture[..., ::-1]


def _draw(picture: np.ndarray, header: Header | None, options: PictureOptions) -> np.ndarray:
    """colour * alpha + background * (1 - alpha), in the picture's own type."""
    white = _white(picture.dtype)
    background = np.array(options.background) / 255 * white
    drawn = np.empty((*picture.shape[:2], 3), picture.dtype)
    rows = max(1, DRAWN_AT_ONCE // picture.shape[1])
    for at in range(0, len(picture), rows):
        part = picture[at : at + rows].astype(np.float64)
        alpha, colours = part[..., 3:] / white, part[..., 2::-1]
        if header is None or not header.premultiplied:
            colours *= alpha
        colours += (1 - alpha) * background
        whole = picture.dtype.kind == "u"
        drawn[at : at + rows] = np.clip(np.rint(colours), 0, white) if whole else colours
    stored_grey = header is not None and (header.channels == 2 or header.key is not None)
    return drawn[..., 0] if stored_grey and options.is_grey else drawn


def _white(dtype: np.dtype) -> float:
    return float(np.iinfo(dtype).max) if dtype.kind == "u" else 1.0


# What OpenCV decodes to -> what is done, for values and for channels. Before that OpenCV itself
# makes RGB of CMYK and palettes, and 0 and 255 of one bit. Other channels and types are refused.
VALUES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "uint8": _as_it_is,
    "uint16": _as_it_is,  # scaled together with all pictures of the data, see pixel_scale.py
    "float32": _finite,
    "float64": _finite,
    "int8": _refused,
    "int16": _refused,
    "int32": _refused,
    "uint32": _refused,
}
CHANNELS: dict[int, Callable[[np.ndarray, Header | None, PictureOptions], np.ndarray]] = {
    1: _grey,
    3: _rgb,
    4: _draw,
}


def _convert(
    stored: np.ndarray,
    kind: PictureType,
    header: Header | None,
    data: bytes,
    options: PictureOptions,
) -> np.ndarray:
    channels = 1 if stored.ndim == 2 else stored.shape[2]
    if header is not None and header.alpha and kind.name == "TIFF" and channels < 4:
        raise PictureError("a grey TIFF with alpha, which OpenCV drops: store it as PNG", False)
    if channels not in CHANNELS:
        raise PictureError(f"a picture of {channels} channels; expected 1, 3 or 4", False)
    values = VALUES.get(stored.dtype.name, _refused)(stored)
    pixels = CHANNELS[channels](_pnm_scaled(values, kind, data), header, options)
    turned = header is not None and header.alpha and kind.name in TURNED_BY_US
    return _turn(pixels, header.orientation) if turned and header else pixels


def _pnm_scaled(picture: np.ndarray, kind: PictureType, data: bytes) -> np.ndarray:
    """The largest value that a PNM file names becomes 255; of 16 bits OpenCV keeps the values."""
    most = pnm_maximum(data) if kind.name == "PNM" and picture.dtype == np.uint8 else 255
    if most in (0, 255):
        return picture
    return np.rint(np.minimum(picture, most) * (255 / most)).astype(np.uint8)


def _turn(picture: np.ndarray, orientation: int) -> np.ndarray:
    """By EXIF's number: 2 to 4 flip and turn by 180 degrees, 5 to 8 swap the sides, too."""
    if orientation >= 5:
        picture = picture.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        picture = picture[:, ::-1]
    if orientation in (3, 4, 7, 8):
        picture = picture[::-1]
    return picture


def read_bytes(path: str | Path, most: int = -1) -> bytes:
    """A file, or its first bytes; not cv2.imread, which prints and fails on some names."""
    try:
        with open(path, "rb") as file:
            return file.read(most)
    except OSError as error:
        raise PictureError(str(error.strerror or error)) from error


def oriented_size(data: bytes, options: PictureOptions) -> tuple[int, int]:
    """(height, width) as the picture is looked at, from its header where that tells."""
    kind = picture_type(data)
    header = read_header(kind.name, data) if kind else None
    if header is None:
        height, width = decode_picture(data, replace(options, bits=None)).pixels.shape[:2]
        return height, width
    return header.size
