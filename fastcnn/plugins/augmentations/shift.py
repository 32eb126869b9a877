"""Images moved up, down, left or right."""

import numpy as np

from fastcnn.engine.augmentation import Augmentation, Records, between
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import augmentations


@augmentations.register("shift")
class Shift(Augmentation):
    """Every image is moved by a whole number of pixels, up to `pixels` in each direction.

    With fill="constant" the usual crop from an image with a border (He et al. 2016, section 4.2).
    fraction: up to this part of height and width instead, by any part of a pixel.
    """

    draws = 2

    def __init__(self, pixels: int = 2, fraction: float | None = None) -> None:
        if pixels < 0 or not 0 <= (fraction or 0) <= 1:
            raise OptionError(
                f"a shift has pixels >= 0 or a fraction in [0, 1], not {pixels}, {fraction}"
            )
        self.pixels = pixels
        self.fraction = fraction

    def apply(self, uniform: np.ndarray, records: Records) -> None:
        if self.fraction is None:
            by = np.floor(between(uniform, -self.pixels, self.pixels + 1))
        else:
            size = np.array([records.width, records.height])
            by = between(uniform, -self.fraction, self.fraction) * size
        records.view(np.eye(2), by)
