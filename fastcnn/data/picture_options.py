"""How pictures are read: the same in training, evaluation and prediction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastcnn.errors import OptionError

COLOURS = {"white": (255, 255, 255), "black": (0, 0, 0), "grey": (128, 128, 128)}
MAX_PIXELS = 180_000_000  # larger than a camera of 2026 makes with 8 bits a channel
BITS = range(1, 17)


@dataclass(frozen=True)
class PictureOptions:
    """background: the RGB colour, 0 to 255, that transparent pictures are drawn onto.

    bits: 16-bit values mean 0 to 2**bits - 1; None: as many as the largest value of all needs
    max_pixels: the largest picture that is decoded, counted as 8-bit RGB
    skip_damaged: damaged pictures are left out; else they are an error
    """

    background: tuple[int, int, int] = COLOURS["white"]
    bits: int | None = None
    max_pixels: int = MAX_PIXELS
    skip_damaged: bool = False

    @classmethod
    def of(
        cls,
        background: str | Sequence[int] = "white",
        bits: int | None = None,
        max_pixels: int | None = None,
        skip_damaged: bool | None = False,
    ) -> "PictureOptions":
        """Checked ones, as users give them."""
        if bits is not None and (isinstance(bits, bool) or bits not in BITS):
            raise OptionError(f"bits {bits!r}; expected 1 to 16")
        most = MAX_PIXELS if max_pixels is None else max_pixels
        if not isinstance(most, int | np.integer) or isinstance(most, bool) or most < 1:
            raise OptionError(f"max_pixels {max_pixels!r}; expected a whole number, 1 or more")
        return cls(check_background(background), bits, int(most), bool(skip_damaged))

    @property
    def is_grey(self) -> bool:
        """Whether grey pictures stay grey on the background."""
        return len(set(self.background)) == 1


def check_background(value: Any) -> tuple[int, int, int]:
    """(red, green, blue), each 0 to 255, of a name, "R,G,B" or three numbers."""
    if isinstance(value, str):
        if value.lower() in COLOURS:
            return COLOURS[value.lower()]
        words = value.split(",")
        numbers = [int(word) if word.strip().isdecimal() else -1 for word in words]
    else:
        numbers = list(value) if isinstance(value, Sequence | np.ndarray) else []
    whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in numbers)
    if not whole or len(numbers) != 3 or not all(0 <= n <= 255 for n in numbers):
        names = ", ".join(COLOURS)
        raise OptionError(f"background {value!r}; expected {names} or R,G,B, each 0 to 255")
    red, green, blue = (int(n) for n in numbers)
    return red, green, blue
