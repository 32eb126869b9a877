"""Many pictures to one array: all are looked at before the first error, and nothing is lost
silently."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from fastcnn.data.picture import PictureError, decode_picture, read_bytes
from fastcnn.data.picture_options import PictureOptions
from fastcnn.data.resizing import check_size, resize, to_grey, to_rgb
from fastcnn.errors import DataError, OptionError

NAMED = 5  # files in a message; the rest is counted


@dataclass(frozen=True)
class PictureFile:
    """A file, in a folder or an archive.

    read: gives so many of its bytes, all for -1, or raises a PictureError
    """

    name: str
    read: Callable[[int], bytes]

    @classmethod
    def of(cls, path: str | Path) -> "PictureFile":
        return cls(str(path), lambda most: read_bytes(path, most))


@dataclass(frozen=True, eq=False)
class Pictures:
    """images: uint8 (N, H, W, C), or float32 in 0..1 if one has more than 8 bits.

    used: (N,) the places of the read ones among the files
    damaged, left_out: {file: why it isn't here}; left out are types that OpenCV doesn't know
    notes: {what is not as it seems: its files}
    bits: of 16-bit pictures, `None` if there are none
    """

    images: np.ndarray
    used: np.ndarray
    damaged: Mapping[str, str]
    left_out: Mapping[str, str]
    notes: Mapping[str, list[str]]
    bits: int | None


@dataclass
class _Reading:
    pictures: list[np.ndarray] = field(default_factory=list)
    used: list[int] = field(default_factory=list)
    damaged: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)


def read_pictures(
    files: Sequence[PictureFile],
    size: tuple[int, int],
    options: PictureOptions,
    channels: int | None = None,
) -> Pictures:
    """The pictures, resized; 1 channel is grey, 3 are RGB, None: grey if all are stored in grey.

    Damaged ones are one DataError after all have been tried, or left out (`skip_damaged`).
    """
    reading = _read(files, size, options, channels)
    if reading.damaged and not options.skip_damaged:
        raise DataError(damage_text(reading.damaged, len(files)))
    if not reading.pictures:
        lost = {**reading.damaged, **reading.left_out}
        raise DataError(damage_text(lost, len(files)) if lost else "no picture files given")
    images, bits = _stack(reading.pictures, channels, options.bits)
    return Pictures(
        *(images, np.array(reading.used), reading.damaged, reading.left_out, reading.notes, bits)
    )


def _read(
    files: Sequence[PictureFile],
    size: tuple[int, int],
    options: PictureOptions,
    channels: int | None,
) -> _Reading:
    """Every file: its pixels, or why there are none."""
    reading = _Reading()
    for place, file in enumerate(files):
        try:
            picture = decode_picture(file.read(-1), options)
        except PictureError as error:
            (reading.damaged if error.damaged else reading.left_out)[file.name] = error.reason
            continue
        pixels = to_grey(picture.pixels) if channels == 1 else picture.pixels
        reading.pictures.append(resize(pixels, size))
        reading.used.append(place)
        for note in picture.notes:
            reading.notes.setdefault(note, []).append(file.name)
    return reading


def read_named(
    paths: Iterable[str | Path],
    size: int | tuple[int, int],
    channels: int,
    options: PictureOptions,
) -> Pictures:
    """Picture files in a list that names each one: all must be pictures, unless `skip_damaged`.

    1 channel is grey, 3 are RGB.
    """
    if channels not in (1, 3):
        raise DataError(f"pictures give 1 or 3 channels, not {channels}")
    shape = check_size(size)
    if shape is None:
        raise OptionError("image size None; expected a number or (height, width), positive")
    files = [PictureFile.of(path) for path in paths]
    pictures = read_pictures(files, shape, replace(options, skip_damaged=True), channels)
    lost = {**pictures.damaged, **pictures.left_out}
    if lost and not options.skip_damaged:
        raise DataError(damage_text(lost, len(files)))
    return pictures


class PictureBatches:
    """Pictures, some at a time: (names, images (n, H, W, C)); 1 channel is grey, 3 are RGB.

    All files are looked at before the error, one of all that can't be read, which `skip_damaged`
    leaves out. damaged, left_out, notes, bits: as of `Pictures`, when the last batch has come.
    """

    def __init__(
        self,
        files: Sequence[PictureFile],
        size: tuple[int, int],
        channels: int,
        options: PictureOptions,
        batch: int,
    ) -> None:
        if channels not in (1, 3):
            raise DataError(f"pictures give 1 or 3 channels, not {channels}")
        self.files, self.size, self.channels = files, size, channels
        self.options, self.batch = options, batch
        self.damaged: dict[str, str] = {}
        self.left_out: dict[str, str] = {}
        self.notes: dict[str, list[str]] = {}
        self.bits: int | None = None

    def __iter__(self) -> Iterator[tuple[list[str], np.ndarray]]:
        read = 0
        for start in range(0, len(self.files), self.batch):
            files = self.files[start : start + self.batch]
            reading = _read(files, self.size, self.options, self.channels)
            self.damaged |= reading.damaged
            self.left_out |= reading.left_out
            for note, names in reading.notes.items():
                self.notes.setdefault(note, []).extend(names)
            read += len(reading.used)
            if reading.pictures and (self.options.skip_damaged or not self._lost()):
                images, bits = _stack(reading.pictures, self.channels, self.options.bits)
                self.bits = bits or self.bits
                yield [files[k].name for k in reading.used], images
        lost = self._lost()
        if lost and (not self.options.skip_damaged or not read):
            raise DataError(damage_text(lost, len(self.files)))

    def _lost(self) -> dict[str, str]:
        return {**self.damaged, **self.left_out}


def damage_text(damaged: Mapping[str, str], count: int) -> str:
    """One line: how many, and the first ones with what is wrong with them."""
    named = [f"{name}: {reason}" for name, reason in list(damaged.items())[:NAMED]]
    if count == 1:
        return named[0]
    more = f"; and {len(damaged) - NAMED:,} more" if len(damaged) > NAMED else ""
    return (
        f"{len(damaged):,} of {count:,} pictures can't be read: {'; '.join(named)}{more} "
        "(--skip-damaged, in Python skip_damaged=True, leaves them out)"
    )


def reason_texts(reasons: Mapping[str, str]) -> list[str]:
    """For each reason its files: "3 files: not a picture (a.txt, b.txt, c.txt)"."""
    files: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        files.setdefault(reason, []).append(name)
    return [f"{counted(names)}: {reason} ({first_names(names)})" for reason, names in files.items()]


def counted(names: Sequence[str]) -> str:
    return f"{len(names):,} file{'s' * (len(names) > 1)}"


def first_names(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")


def _stack(
    pictures: list[np.ndarray], channels: int | None, bits: int | None
) -> tuple[np.ndarray, int | None]:
    """One array, and the bits of its 16-bit pictures. The list is emptied on the way."""
    if channels is None:
        channels = 1 if all(picture.ndim == 2 for picture in pictures) else 3
    deep = [int(picture.max()) for picture in pictures if picture.dtype == np.uint16]
    if deep:
        bits = max(8, max(deep).bit_length()) if bits is None else bits
    floats = any(picture.dtype != np.uint8 for picture in pictures)
    _check_floats(pictures)
    shape = (len(pictures), *pictures[0].shape[:2], channels)
    images = np.empty(shape, np.float32 if floats else np.uint8)
    for place, picture in enumerate(pictures):
        pixels = picture[..., None] if channels == 1 else to_rgb(picture)
        images[place] = to_unit(pixels, bits or 16) if floats else pixels
        pictures[place] = images[place, :0, :0]  # frees the picture, keeps the list
    return images, bits if deep else None


def to_unit(pixels: np.ndarray, bits: int) -> np.ndarray:
    """float32: v / 255 of uint8, v / (2**bits - 1) of uint16, floats as they are."""
    if pixels.dtype == np.float32:
        return pixels
    white = 255 if pixels.dtype == np.uint8 else 2**bits - 1
    return pixels.astype(np.float32) / np.float32(white)


def _check_floats(pictures: Sequence[np.ndarray]) -> None:
    """Floats beside whole numbers have to be in 0..1, as these will be."""
    floats = [picture for picture in pictures if picture.dtype == np.float32]
    if not floats or len(floats) == len(pictures):
        return
    low, high = min(p.min() for p in floats), max(p.max() for p in floats)
    if low < 0 or high > 1:
        raise DataError(
            f"{len(floats):,} float pictures with values from {low:.4g} to {high:.4g} lie beside "
            f"{len(pictures) - len(floats):,} of whole numbers, which become 0 to 1: no scale "
            "fits both"
        )
