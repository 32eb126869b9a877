"""What the header of a picture claims, read before a decoder believes it.

OpenCV makes room for what a header claims and fills what is missing: a picture of a hundred bytes
costs gigabytes and many seconds. So sizes are checked here. Alpha and orientation are read, too,
because OpenCV gives either the one or the other.
"""

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fastcnn.data.rawfile import DEFLATE_LIMIT
from fastcnn.data.tiff_tags import (
    BITS,
    EXTRA,
    HEIGHT,
    ORIENTATION,
    PHOTOMETRIC,
    SAMPLES,
    WIDTH,
    read_orientation,
    read_tags,
)

PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}  # by colour type, as OpenCV expands them
PNG_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # as they are stored
JPEG_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF markers; the others are tables
JPEG_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8)}
RGB, CMYK = 2, 5  # TIFF's photometric interpretations
ASSOCIATED, STRAIGHT = 1, 2  # TIFF's extra samples that are alpha


@dataclass(frozen=True)
class Header:
    """width, height: as stored; orientation: EXIF's, 1 to 8, of what OpenCV would have to turn.

    channels, depth: as OpenCV expands them, alpha counted; depth: bytes of a channel
    alpha: whether it has an alpha channel or a transparent colour
    premultiplied: whether colours come out of OpenCV multiplied by alpha
    key: the grey value that is transparent, which OpenCV ignores
    least: bytes that the pixels have at least once deflate is undone, or 0
    """

    width: int
    height: int
    channels: int = 3
    depth: int = 1
    alpha: bool = False
    premultiplied: bool = False
    animated: bool = False
    orientation: int = 1
    key: int | None = None
    least: int = 0

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the picture as it is looked at."""
        sides = (self.height, self.width)
        return sides[::-1] if self.orientation >= 5 else sides

    @property
    def bytes(self) -> int:
        """Memory of the decoded picture."""
        return self.width * self.height * self.channels * self.depth


def read_header(kind: str, data: bytes) -> Header | None:
    """The header of a picture of this type; None if the type is not known here or data are short.

    `find_fault` tells what is wrong with the data of a whole file.
    """
    try:
        return READERS[kind](data) if kind in READERS else None
    except (struct.error, IndexError, ValueError):
        return None


def find_fault(kind: str, data: bytes) -> str | None:
    """What is wrong with the claims of a picture; None for what seems right."""
    if kind not in ("PNG", "JPEG"):
        return None
    try:
        header = READERS[kind](data)
        if kind == "PNG":
            list(_png_chunks(data))
    except (struct.error, IndexError, ValueError):
        return "truncated"
    if header.least > len(data) * DEFLATE_LIMIT:
        return f"the header claims more pixels than {len(data):,} bytes can hold"
    return None


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(kind, place of its data, their length) of each chunk up to the end of the picture."""
    at, kind = 8, b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)  # fails where the file has ended
        yield kind, at + 8, length
        at += length + 12


def _png(data: bytes) -> Header:
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    alpha, animated, orientation, key = colour in (4, 6), False, 1, None
    for kind, at, length in _png_chunks(data):
        if kind == b"IDAT":
            break
        if kind == b"tRNS" and colour == 0:
            key = struct.unpack_from(">H", data, at)[0] & ((1 << depth) - 1)
            key = key * 255 // ((1 << depth) - 1) if depth < 8 else key
        elif kind == b"tRNS":
            alpha = True
        elif kind == b"eXIf":
            orientation = read_orientation(data[at : at + length])
        animated = animated or kind == b"acTL"
    channels = PNG_CHANNELS.get(colour, 4) + (alpha and colour in (2, 3))
    least = width * height * depth * PNG_SAMPLES.get(colour, 1) // 8
    return Header(
        *(width, height, channels, 1 + (depth == 16)),
        alpha=alpha,
        animated=animated,
        orientation=orientation,
        key=key,
        least=least,
    )


def _jpeg(data: bytes) -> Header:
    """least: pixels, as bytes: a block of 64 costs one bit at least, so a byte holds 512."""
    at, orientation = 2, 1
    while data[at] != 0xFF or data[at + 1] not in JPEG_FRAMES:
        marker = data[at + 1]
        if data[at] != 0xFF or marker in (0x00, 0xFF):  # skipped by libjpeg as well
            at += 1
        elif marker in JPEG_WITHOUT_LENGTH:
            at += 2
        else:
            length = struct.unpack_from(">H", data, at + 2)[0]
            if marker == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
                orientation = read_orientation(data[at + 10 : at + 2 + length])
            at += 2 + length
    height, width, channels = struct.unpack_from(">HHB", data, at + 5)
    return Header(width, height, channels, orientation=orientation, least=height * width)


def _gif(data: bytes) -> Header:
    width, height = struct.unpack_from("<HH", data, 6)
    return Header(width, height, 4, alpha=True, animated=_gif_frames(data, 2) > 1)


def _gif_frames(data: bytes, most: int) -> int:
    """Frames, counted up to `most`; data that end early hold as many as began."""
    at, frames = 13 + _colours(data[10]), 0
    while at < len(data) and data[at] in (0x21, 0x2C) and frames < most:
        if data[at] == 0x21:
            at += 2
        else:
            frames += 1
            at += 11 + (_colours(data[at + 9]) if at + 9 < len(data) else 0)
        while at < len(data) and data[at]:
            at += data[at] + 1
        at += 1
    return frames


def _colours(flags: int) -> int:
    """Bytes of a table of colours."""
    return 3 * (2 << (flags & 7)) if flags & 0x80 else 0


def _bmp(data: bytes) -> Header:
    if data[14] == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
    else:
        width, height, _, bits = struct.unpack_from("<iiHH", data, 18)
    return Header(abs(width), abs(height), 4 if bits == 32 else 3, alpha=bits == 32)


def _webp(data: bytes) -> Header:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return Header(width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        alpha = bool(bits >> 28 & 1)
        return Header(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), 3 + alpha, alpha=alpha)
    flags, width, height = data[20], data[24:27], data[27:30]
    alpha = bool(flags & 0x10)
    return Header(
        1 + int.from_bytes(width, "little"),
        1 + int.from_bytes(height, "little"),
        3 + alpha,
        alpha=alpha,
        animated=bool(flags & 0x02),
        orientation=_webp_orientation(data) if flags & 0x08 else 1,
    )


def _webp_orientation(data: bytes) -> int:
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind == b"EXIF":
            return read_orientation(data[at + 8 : at + 8 + length].removeprefix(b"Exif\0\0"))
        at += 8 + length + length % 2
    return 1


def _tiff(data: bytes) -> Header:
    """OpenCV turns TIFF pictures itself, so only the size takes the orientation here.

    A fourth sample of RGB without the tag that tells what it is, is alpha: so OpenCV writes it.
    """
    tags, more = read_tags(data)
    width, height = tags[WIDTH][0], tags[HEIGHT][0]
    samples, extra = tags.get(SAMPLES, (1,))[0], tags.get(EXTRA, ())
    bits = max(tags.get(BITS, (1,)))
    photometric = tags.get(PHOTOMETRIC, (0,))[0]
    untold = EXTRA not in tags and photometric == RGB and samples == 4
    alpha = untold or (bool(extra) and extra[0] in (ASSOCIATED, STRAIGHT))
    channels = samples if photometric in (0, 1, RGB, CMYK) else 3  # a palette becomes RGB
    return Header(
        *(width, height, max(1, channels), max(1, bits // 8)),
        alpha=alpha,
        premultiplied=alpha and not untold and (bits <= 8 or extra[0] == ASSOCIATED),
        animated=more,
        orientation=tags.get(ORIENTATION, (1,))[0],
    )


def _pnm(data: bytes) -> Header:
    """key: None; the largest value is read by `pnm_maximum`."""
    width, height, _ = _pnm_numbers(data)
    return Header(width, height, 3 if data[1:2] in b"36" else 1, 1 + (pnm_maximum(data) > 255))


def pnm_maximum(data: bytes) -> int:
    """The value that means white."""
    return 255 if data[1:2] in (b"1", b"4") else _pnm_numbers(data)[2]


def _pnm_numbers(data: bytes) -> tuple[int, int, int]:
    head = re.sub(rb"#[^\n]*\n", b" ", data[2:HEADER_TEXT])
    numbers = [int(word) for word in head.split(None, 3)[:3] if word[:8].isdigit()]
    if len(numbers) < 2:
        raise ValueError("no size")
    return numbers[0], numbers[1], numbers[2] if len(numbers) > 2 else 255


HEADER_TEXT = 4096


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, where its content begins, where it ends) of the boxes of JPEG 2000 and AVIF."""
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        begin = at + 8
        if size == 1:
            size, begin = struct.unpack_from(">Q", data, at + 8)[0], at + 16
        stop = end if size == 0 else min(at + size, end)
        if stop < begin:
            return
        yield kind, begin, stop
        at = stop


def _find_box(data: bytes, *path: bytes) -> tuple[int, int]:
    """Where the content of a box inside boxes lies; ValueError if there is none."""
    at, end = 0, len(data)
    for wanted in path:
        found = next((box for box in _boxes(data, at, end) if box[0] == wanted), None)
        if found is None:
            raise ValueError(f"no {wanted!r}")
        at, end = found[1] + (4 if wanted == b"meta" else 0), found[2]
    return at, end


def _jpeg2000(data: bytes) -> Header:
    if data[:4] == b"\xff\x4f\xff\x51":
        right, bottom, left, top = struct.unpack_from(">IIII", data, 8)
        channels, depth = struct.unpack_from(">H", data, 40)[0], data[42] & 0x7F
        return Header(right - left, bottom - top, channels, 1 + (depth > 7), alpha=channels == 4)
    at, _ = _find_box(data, b"jp2h", b"ihdr")
    height, width, channels, depth = struct.unpack_from(">IIHB", data, at)
    return Header(width, height, channels, 1 + (depth & 0x7F > 7), alpha=channels == 4)


def _avif(data: bytes) -> Header:
    """orientation: of the boxes irot and imir, which count here in place of EXIF's."""
    sizes, turns, mirror, depth = [], 0, None, 1
    for kind, at, _ in _boxes(data, *_find_box(data, b"meta", b"iprp", b"ipco")):
        if kind == b"ispe":
            sizes.append(struct.unpack_from(">II", data, at + 4))
        elif kind == b"irot":
            turns = data[at] & 3
        elif kind == b"imir":
            mirror = data[at] & 1
        elif kind == b"av1C":
            depth = max(depth, 1 + bool(data[at + 2] & 0x40))
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    # Turned counterclockwise first, then mirrored: 0 top to bottom, 1 left to right.
    orientations = {None: (1, 8, 3, 6), 0: (4, 5, 2, 7), 1: (2, 7, 4, 5)}
    animated = b"avis" in data[8:64]
    return Header(
        *(width, height, 4, depth),
        alpha=True,
        animated=animated,
        orientation=orientations[mirror][turns],
    )


READERS: dict[str, Callable[[bytes], Header]] = {
    "PNG": _png,
    "JPEG": _jpeg,
    "GIF": _gif,
    "BMP": _bmp,
    "WebP": _webp,
    "TIFF": _tiff,
    "PNM": _pnm,
    "JPEG 2000": _jpeg2000,
    "AVIF": _avif,
}
