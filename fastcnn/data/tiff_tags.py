"""The first tags of a TIFF file; EXIF data are such a file, too."""

import struct
from typing import Any

WIDTH, HEIGHT, BITS, PHOTOMETRIC, ORIENTATION, SAMPLES, EXTRA, FORMAT = (
    *(256, 257, 258, 262, 274, 277, 338, 339),
)
SIZES = {1: ("B", 1), 3: ("H", 2), 4: ("I", 4), 16: ("Q", 8)}  # of types that hold whole numbers
MOST_TAGS = 4096


def read_tags(data: bytes) -> tuple[dict[int, tuple[int, ...]], bool]:
    """({tag: its whole numbers} of the first picture, whether another one follows).

    Fails with struct.error where the data end too early.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    count_form, offset_form, entry = ("Q", "Q", 20) if big else ("H", "I", 12)
    at = _number(order + offset_form, data, 8 if big else 4)
    count = _number(order + count_form, data, at)
    at += struct.calcsize(count_form)
    tags = {}
    for index in range(min(count, MOST_TAGS)):
        tag, values = _read_tag(order, offset_form, data, at + index * entry)
        tags[tag] = values
    return tags, bool(_number(order + offset_form, data, at + count * entry))


def read_orientation(exif: bytes) -> int:
    """1 (as it is stored) to 8; 1 for data that tell nothing."""
    try:
        value = read_tags(exif)[0].get(ORIENTATION, (1,))
    except (struct.error, IndexError):
        return 1
    return value[0] if value and 1 <= value[0] <= 8 else 1


def _number(form: str, data: bytes, at: int) -> Any:
    return struct.unpack_from(form, data, at)[0]


def _read_tag(order: str, offset_form: str, data: bytes, at: int) -> tuple[int, tuple[int, ...]]:
    tag, kind = struct.unpack_from(f"{order}HH", data, at)
    count = _number(order + offset_form, data, at + 4)
    width = struct.calcsize(offset_form)
    if kind not in SIZES:
        return tag, ()
    letter, size = SIZES[kind]
    count = min(count, 16)  # more samples in a pixel than any picture here has
    place = at + 4 + width
    if count * size > width:
        place = _number(order + offset_form, data, place)
    return tag, struct.unpack_from(f"{order}{count}{letter}", data, place)
