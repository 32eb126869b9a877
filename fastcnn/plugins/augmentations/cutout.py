"""A square of every image is wiped out."""

import numpy as np

from fastcnn.engine.augmentation import Augmentation, Records, box
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import augmentations


@augmentations.register("cutout")
class Cutout(Augmentation):
    """A square of `size` pixels, its middle anywhere in the image, becomes 0 after normalisation.

    With images normalised to mean 0 that is their mean colour. (DeVries and Taylor 2017.)
    """

    draws = 2

    def __init__(self, size: int = 8) -> None:
        if size < 1:
            raise OptionError(f"size must be at least 1, not {size}")
        self.size = size

    def apply(self, uniform: np.ndarray, records: Records) -> None:
        row, column = np.floor(uniform * [records.height, records.width]).T
        side = np.full(len(records), self.size)
        records.hole[...] = box(row, column, side, side)
