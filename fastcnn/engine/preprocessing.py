"""What the numbers of an input mean to a model: how pixels become values, and what range it saw.

A uint8 pixel counts in steps of `unit`; all other types are taken by value. Decided once, at the
first `fit`; every layer that reads the input remembers it, so that it goes wherever the layers go.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastcnn.errors import DataError, OptionError

BYTE = 255
# Fractions are values of about 0 to 1: resampled or noisy pictures reach a bit beyond.
LEAST_FRACTION, MOST_FRACTION = -0.4, 2.0
FOUR_BITS = 15
FAR = 8  # times what training saw: no brighter picture explains that
NEAR = 0.1  # to the ends of -1..1 or 0..1
# Of the values that are not 0: a few hot pixels, noise, or features that training saw dark are no
# other scale. Of all pictures together, and of a single one.
MANY, MANY_OF_ONE = 0.25, 0.5
DIVIDE = "divide them by 255, or give them as uint8"
DIVIDE_WIDE = "divide them by the value of white in them"
MULTIPLY_WIDE = "multiply them by the value of white in that range"
MULTIPLY = "multiply them by 255, or give them as uint8"
CENTRE = "multiply them by 2 and subtract 1"
OTHERWISE = "bring them to that range"


@dataclass(frozen=True, eq=False)
class Preprocessing:
    """x = value * scale[channel] + offset[channel]; value = unit * pixel for uint8.

    scale, offset: (channels,), or (1,) for all of them.
    unit: 1/255 for a model that wants values in 0..1, 1 for one that wants 0..255; None where no
        scale of uint8 is known, because training saw other ranges.
    seen: the smallest and largest value of the first training data; None before.
    """

    scale: np.ndarray
    offset: np.ndarray
    unit: float | None = 1 / BYTE
    seen: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name in ("scale", "offset"):
            array = np.asarray(getattr(self, name), np.float64)
            if array.ndim != 1 or not np.isfinite(array).all():
                raise OptionError(f"{name} of a Preprocessing is one number for each channel")
            object.__setattr__(self, name, array)
        if self.scale.shape != self.offset.shape:
            raise OptionError(f"scale has {len(self.scale)} channels, offset {len(self.offset)}")

    def agrees(self, other: "Preprocessing") -> bool:
        """Whether both make the same values of the same pixels."""
        pairs = ((self.scale, other.scale), (self.offset, other.offset))
        return self.unit == other.unit and all(np.array_equal(a, b) for a, b in pairs)

    def plain(self) -> dict[str, Any]:
        """For a file."""
        parts = {"scale": self.scale.tolist(), "offset": self.offset.tolist()}
        return {**parts, "unit": self.unit, "seen": None if self.seen is None else list(self.seen)}

    @classmethod
    def from_plain(cls, entry: dict[str, Any]) -> "Preprocessing":
        """What `plain` gave; from a file, so nothing in it is trusted."""
        unit, seen = entry["unit"], entry["seen"]
        return cls(
            np.array(entry["scale"], np.float64),
            np.array(entry["offset"], np.float64),
            None if unit is None else float(unit),
            None if seen is None else (float(seen[0]), float(seen[1])),
        )

    @classmethod
    def of(cls, images: np.ndarray, raw: bool = False) -> "Preprocessing":
        """What a model wants that is first trained on these (N, H, W, C).

        raw: pixels are taken by value, because the model's first layer scales them itself.
        """
        return (BY_VALUE if raw else AS_IT_COMES).trained_on(images)

    def trained_on(self, images: np.ndarray) -> "Preprocessing":
        """The same with the range of the first training data, and the unit that follows from it."""
        if self.seen is not None:
            return self
        low, high = extremes(images)
        if low == high:
            return self  # one colour tells no range, and decides nothing
        is_byte, unit = images.dtype == np.uint8, self.unit
        if not is_byte and self.agrees(AS_IT_COMES):
            unit = _unit(low, high)
        step = (unit or 1.0) if is_byte else 1.0
        return replace(self, unit=unit, seen=(low * step, high * step))

    def saw_flags(self, images: np.ndarray) -> bool:
        """Whether these are bytes, and the first training data held 0 and 1 alone."""
        top = self.seen[1] / (self.unit or 1.0) if self.seen else BYTE
        return images.dtype == np.uint8 and top < 1.5

    def widened(self, images: np.ndarray) -> "Preprocessing":
        """The same after one more batch of the training, which may hold what others did not."""
        if self.seen is None or images.dtype == np.uint8:
            return self
        (least, most), (low, high) = self.seen, extremes(images)
        if least <= low and high <= most:
            return self
        return replace(self, seen=(min(least, low), max(most, high)))

    def factors(self, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
        """(scale, offset) of the numbers of an array of this type."""
        unit = (1.0 if self.unit is None else self.unit) if dtype == np.uint8 else 1.0
        return self.scale * unit, self.offset

    def white(self, dtype: np.dtype) -> float:
        """The brightest pixel of an array of this type."""
        if dtype == np.uint8:
            return float(BYTE)
        if self.seen is None or self.is_fractions:
            return 1.0
        return float(BYTE) if self.unit == 1.0 and self.seen[1] * 4 > BYTE else self.seen[1]

    @property
    def is_plain(self) -> bool:
        """Whether values are taken as they are."""
        return bool((self.scale == 1).all() and (self.offset == 0).all())

    # ---- what fits

    def fault(
        self,
        images: np.ndarray,
        range_of: tuple[float, float] | None = None,
        only_bytes: bool = False,
    ) -> str | None:
        """Why these (N, H, W, C) can't be on the scale that the model was trained in, or None.

        range_of: their smallest and largest number, if known.
        only_bytes: look only for what 0..1 and 0..255 mixed up explain.
        """
        if self.seen is None:
            return None
        is_byte = images.dtype == np.uint8
        if is_byte and self.unit is None:
            return self._text("0 to 255 (uint8)", "give floats on that scale")
        if is_byte and (self.unit != 1.0 or self.seen[1] * FAR >= BYTE):
            return None
        low, high = range_of or extremes(images)
        remedy = self._remedy(images, low, high)
        if only_bytes and remedy not in (DIVIDE, DIVIDE_WIDE, MULTIPLY, MULTIPLY_WIDE):
            return None
        if remedy is None or _all_constant(images):
            return None
        kind = "uint8" if is_byte else "not uint8"
        return self._text(f"{low:.4g} to {high:.4g} ({kind})", remedy)

    def _remedy(self, images: np.ndarray, low: float, high: float) -> str | None:
        """What to do about values of this range; None: nothing, they are near what training saw."""
        if images.shape[1] > 1:  # vectors and sequences are images of one row
            remedy, limits = self._other_scale(images, low, high), self._limits()
        else:
            remedy, limits = self._other_scale_of_vectors(images, low, high), self._vector_limits()
        if remedy is None and not (limits[0] <= low and high <= limits[1]):
            remedy = self._way_back(low, high) if _many_beyond(images, *limits) else None
        return remedy

    def _way_back(self, low: float, high: float) -> str:
        if not self.is_fractions or low < 0:
            return OTHERWISE
        return DIVIDE if high <= 2 * BYTE else DIVIDE_WIDE

    @property
    def _way_up(self) -> str:
        """For fractions."""
        assert self.seen is not None
        return MULTIPLY if BYTE / 4 < self.seen[1] <= 2 * BYTE else MULTIPLY_WIDE

    def _other_scale(self, images: np.ndarray, low: float, high: float) -> str | None:
        """Values of pictures that lie just as another scale has them."""
        assert self.seen is not None
        least, most = self.seen
        if self.is_centred:
            is_other = 0 <= low < NEAR and 1 - NEAR < high <= 1 and _has_fractions(images)
            return CENTRE if is_other else None
        if self.is_fractions or least < 0:
            return None
        if low >= 0 and high <= 1:
            is_other = most > BYTE / 4 or (most >= FOUR_BITS and _has_fractions(images))
            return self._way_up if is_other else None
        return OTHERWISE if low < 0 and max(-low, high) < most / FAR else None

    def _other_scale_of_vectors(self, images: np.ndarray, low: float, high: float) -> str | None:
        """Their numbers may be anything: only what looks like scaled bytes."""
        assert self.seen is not None
        least, most = self.seen
        if least < 0 or most <= BYTE / 4 or low < 0 or high > 1:
            return None
        return self._way_up if _has_fractions(images) else None

    def _limits(self) -> tuple[float, float]:
        """Values beyond them are far from what training saw."""
        assert self.seen is not None
        if self.is_fractions:
            return LEAST_FRACTION, MOST_FRACTION
        size = FAR * max(abs(self.seen[0]), abs(self.seen[1]))
        return -size, size

    def _vector_limits(self) -> tuple[float, float]:
        assert self.seen is not None
        size = FAR * max(abs(self.seen[0]), abs(self.seen[1]), 1.0)
        return -size, size

    @property
    def is_centred(self) -> bool:
        """Whether it was trained on values of about -1..1."""
        return (
            self.seen is not None
            and all(abs(abs(end) - 1) < NEAR for end in self.seen)
            and self.seen[0] < 0
        )

    @property
    def is_fractions(self) -> bool:
        """Whether it was trained on values of about 0..1."""
        return self.seen is not None and _are_fractions(*self.seen)

    def _text(self, given: str, remedy: str) -> str:
        assert self.seen is not None
        least, most = self.seen
        return f"hold {given}, but the model was trained on {least:.4g} to {most:.4g}: {remedy}"

    def describe(self) -> str:
        """ "uint8 / 255, 0 to 1" for a table."""
        if self.seen is None and self.unit == 1 / BYTE and self.is_plain:
            return ""
        units = {1 / BYTE: "uint8 / 255", 1.0: "uint8 as it is", None: "no uint8"}
        parts = [units.get(self.unit, f"uint8 * {self.unit:.4g}" if self.unit else "")]
        if self.seen is not None:
            parts.append(f"trained on {self.seen[0]:.3g} to {self.seen[1]:.3g}")
        if not self.is_plain:
            parts.append("then scaled by channel")
        return ", ".join(parts)


AS_IT_COMES = Preprocessing(np.ones(1), np.zeros(1))  # uint8 to 0..1, floats as they are
BY_VALUE = Preprocessing(np.ones(1), np.zeros(1), unit=1.0)


def extremes(images: np.ndarray) -> tuple[float, float]:
    """The smallest and the largest number, by value."""
    return float(images.min()), float(images.max())


def _are_fractions(low: float, high: float) -> bool:
    return low > LEAST_FRACTION and high < MOST_FRACTION


def _unit(low: float, high: float) -> float | None:
    """What a step of uint8 is worth beside numbers of this range."""
    if _are_fractions(low, high):
        return 1 / BYTE
    return 1.0 if low >= 0 and high <= BYTE else None


def _has_fractions(images: np.ndarray) -> bool:
    """Whether some lie between 0 and 1: boards, counts and masks hold whole numbers."""
    return bool(((images > 0) & (images < 1)).any())


def _many_beyond(images: np.ndarray, least: float, most: float) -> bool:
    """Whether many of the values lie beyond; those of pictures of one colour do not count."""
    axes = tuple(range(1, images.ndim))
    low, high = images.min(axis=axes), images.max(axis=axes)
    suspects = images[((low < least) | (high > most)) & (low < high)]
    if not len(suspects):
        return False
    beyond = np.count_nonzero((suspects < least) | (suspects > most), axis=axes)
    lit = np.count_nonzero(suspects, axis=axes)
    return bool(
        beyond.sum() > MANY * np.count_nonzero(images) or (beyond > MANY_OF_ONE * lit).any()
    )


def _all_constant(images: np.ndarray) -> bool:
    """Whether each picture has one colour, which tells no scale."""
    axes = tuple(range(1, images.ndim))
    return bool((images.min(axis=axes) == images.max(axis=axes)).all())


def joined(found: Iterable[Preprocessing | None], input_name: str) -> Preprocessing | None:
    """What the layers that read an input remember of it, or None; an error if they disagree."""
    known = list(dict.fromkeys(p for p in found if p is not None))
    if len(known) < 2:
        return known[0] if known else None
    for other in known[1:]:
        if not other.agrees(known[0]):
            raise DataError(
                f"layers that read {input_name!r} come from models trained on different pixels "
                f"({known[0].describe() or 'any'}; {other.describe() or 'any'}): give each an "
                "input of its own, or set model.preprocessing"
            )
    return replace(known[0], seen=_whole_range(known))


def together(found: Sequence[Preprocessing], images: Sequence[np.ndarray]) -> Preprocessing | None:
    """One for inputs that the same layer reads in the same place, which were found for these
    images; None if there is none."""
    seen = _whole_range(found)
    if all(p.agrees(found[0]) for p in found):
        return replace(found[0], seen=seen)
    floats = all(array.dtype != np.uint8 for array in images)
    if seen and floats and all(p.is_plain for p in found):
        return replace(found[0], unit=_unit(*seen), seen=seen)
    return None


def _whole_range(found: Iterable[Preprocessing]) -> tuple[float, float] | None:
    ranges = [p.seen for p in found if p.seen is not None]
    return (min(a for a, _ in ranges), max(b for _, b in ranges)) if ranges else None
