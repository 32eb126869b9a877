"""What kind of picture a file holds, by its first bytes, and whether the installed OpenCV reads it.

Suffixes tell nothing: a .jpg may hold a WebP, a .jfif is a JPEG.
"""

import re
from dataclasses import dataclass
from functools import cache

HEAD = 1024  # bytes that tell the type
READS = "reads"  # in every build of OpenCV


@dataclass(frozen=True)
class PictureType:
    """reader: its line in OpenCV's build information, READS, or None if OpenCV never reads it."""

    name: str
    reader: str | None
    suffixes: tuple[str, ...]


TYPES = {
    kind.name: kind
    for kind in (
        PictureType("JPEG", READS, (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo")),
        PictureType("PNG", READS, (".png", ".apng")),
        PictureType("GIF", "GIF", (".gif",)),
        PictureType("BMP", READS, (".bmp", ".dib")),
        PictureType("WebP", "WEBP", (".webp",)),
        PictureType("TIFF", "TIFF", (".tif", ".tiff")),
        PictureType("PNM", "PXM", (".pbm", ".pgm", ".ppm", ".pnm")),
        PictureType("PAM", "PXM", (".pam",)),
        PictureType("PFM", "PFM", (".pfm",)),
        PictureType("JPEG 2000", "JPEG 2000", (".jp2", ".j2k", ".jpf", ".jpx")),
        PictureType("AVIF", "AVIF", (".avif", ".avifs")),
        PictureType("Radiance HDR", "HDR", (".hdr", ".pic")),
        PictureType("Sun raster", "SUNRASTER", (".ras", ".sr")),
        PictureType("OpenEXR", "OpenEXR", (".exr",)),
        PictureType("HEIC", None, (".heic", ".heif", ".hif")),
        PictureType("JPEG XL", None, (".jxl",)),
        PictureType("SVG", None, (".svg",)),
        PictureType("PSD", None, (".psd", ".psb")),
        PictureType("ICO", None, (".ico", ".cur")),
        PictureType("DICOM", None, (".dcm",)),
        PictureType("XCF", None, (".xcf",)),
        PictureType("QOI", None, (".qoi",)),
        PictureType("DDS", None, (".dds",)),
        PictureType("MNG", None, (".mng", ".jng")),
        PictureType("FITS", None, (".fits", ".fit")),
        PictureType("EPS", None, (".eps",)),
        PictureType("camera raw", None, (".cr2", ".cr3", ".raf", ".rw2", ".orf")),
    )
}
SUFFIXES = tuple(suffix for kind in TYPES.values() for suffix in kind.suffixes)
ISO_BRANDS = {  # of the boxes of ISO base media files, in the order in which they decide
    "AVIF": {b"avif", b"avis"},
    "HEIC": {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"},
    "camera raw": {b"crx "},
}
MAGIC = (
    ("JPEG", rb"\xff\xd8\xff"),
    ("PNG", rb"\x89PNG\r\n\x1a\n"),
    ("GIF", rb"GIF8[79]a"),
    ("BMP", rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0"),
    ("WebP", rb"RIFF.{4}WEBP"),
    ("camera raw", rb"II\*\0\x10\0\0\0CR|FUJIFILMCCD-RAW|II(?:RO|RS|U\0)|MMOR"),
    ("TIFF", rb"II[*+]\0|MM\0[*+]"),
    ("PNM", rb"P[1-6]\s"),
    ("PAM", rb"P7\n"),
    ("PFM", rb"P[Ff]\n"),
    ("JPEG 2000", rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"),
    ("JPEG XL", rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n"),
    ("Radiance HDR", rb"#\?(?:RADIANCE|RGBE)"),
    ("Sun raster", rb"\x59\xa6\x6a\x95"),
    ("OpenEXR", rb"\x76\x2f\x31\x01"),
    ("PSD", rb"8BPS"),
    ("ICO", rb"\0\0[\1\2]\0[\1-\xff]\0.{3}\0"),
    ("DICOM", rb".{128}DICM"),
    ("XCF", rb"gimp xcf"),
    ("QOI", rb"qoif"),
    ("DDS", rb"DDS \x7c\0\0\0"),
    ("MNG", rb"[\x8a\x8b][MJ]NG\r\n\x1a\n"),
    ("FITS", rb"SIMPLE  ="),
    ("EPS", rb"%!PS-Adobe-[\d.]+ EPSF|\xc5\xd0\xd3\xc6"),
    ("SVG", rb"(?:\xef\xbb\xbf)?\s*<(?:svg|\?xml[^>]*>.*<svg)[\s>]"),
)
PATTERNS = tuple((name, re.compile(pattern, re.DOTALL)) for name, pattern in MAGIC)


def picture_type(data: bytes) -> PictureType | None:
    """The type of the picture that begins with these bytes; None if they are no picture."""
    head = data[:HEAD]
    for name, pattern in PATTERNS:
        if pattern.match(head):
            return TYPES[name]
    if head[4:8] != b"ftyp":
        return None
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, size - 3, 4))}
    return next((TYPES[name] for name, known in ISO_BRANDS.items() if known & brands), None)


@cache
def is_readable(kind: PictureType) -> bool:
    """Whether the installed OpenCV has a decoder for it."""
    if kind.reader is None or kind.reader == READS:
        return kind.reader == READS
    import cv2

    line = re.search(rf"^\s+{re.escape(kind.reader)}:\s+(\S+)", cv2.getBuildInformation(), re.M)
    return line is not None and line[1] != "NO"


def unreadable_reason(kind: PictureType) -> str:
    """ "HEIC, which OpenCV 5.0.0 does not read here: convert them to PNG or JPEG"."""
    import cv2

    return f"{kind.name}, which OpenCV {cv2.__version__} does not read here"
