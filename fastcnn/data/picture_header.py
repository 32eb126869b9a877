"""What a PNG or JPEG claims, checked before a decoder believes it.

OpenCV makes room for what a header claims and fills what is missing: a picture of a hundred bytes
costs gigabytes and many seconds. Its decoders of the other formats give up at once.
"""

import struct

from fastcnn.data.rawfile import DEFLATE_LIMIT

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
JPEG_SIGNATURE = b"\xff\xd8\xff"
JPEG_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF markers; the others are tables
JPEG_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8)}


def find_fault(data: bytes) -> str | None:
    """What is wrong with the claims of a PNG or JPEG; None for what seems right or is neither."""
    try:
        if data.startswith(PNG_SIGNATURE):
            claimed = _png_bytes(data)
        elif data.startswith(JPEG_SIGNATURE):
            claimed = _jpeg_bytes(data)
        else:
            return None
    except (struct.error, IndexError):
        return "truncated"
    if claimed > len(data) * DEFLATE_LIMIT:
        return f"the header claims more pixels than {len(data):,} bytes can hold"
    return None


def _png_bytes(data: bytes) -> int:
    """Bytes of the pixels before deflate."""
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    at = len(PNG_SIGNATURE)
    kind = b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)  # fails where the file has ended
        at += length + 12
    return width * height * depth * PNG_CHANNELS.get(colour, 1) // 8


def _jpeg_bytes(data: bytes) -> int:
    """Pixels, as bytes: a block of 64 costs one bit at least, so a byte holds 512."""
    at = 2
    while data[at] != 0xFF or data[at + 1] not in JPEG_FRAMES:
        marker = data[at + 1]
        if data[at] != 0xFF or marker in (0x00, 0xFF):  # skipped by libjpeg as well
            at += 1
        elif marker in JPEG_WITHOUT_LENGTH:
            at += 2
        else:
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    height, width = struct.unpack_from(">HH", data, at + 5)
    return height * width
