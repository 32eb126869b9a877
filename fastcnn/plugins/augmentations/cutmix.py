"""A patch of another image, and a part of its label."""

import numpy as np

from fastcnn.engine.augmentation import Augmentation, Records, box
from fastcnn.errors import OptionError
from fastcnn.plugins.augmentations.mixup import beta, partners
from fastcnn.plugins.registry import augmentations


@augmentations.register("cutmix")
class CutMix(Augmentation):
    """A box of 1 - s of the area comes from another image of the batch, s from Beta(alpha, alpha).

    Targets are mixed by the areas that remain after the box is cut at the edges. (Yun et al. 2019.)
    """

    draws = 4
    mixes = True

    def __init__(self, alpha: float = 1.0) -> None:
        if not alpha > 0:
            raise OptionError(f"alpha must be positive, not {alpha}")
        self.alpha = float(alpha)

    def apply(self, uniform: np.ndarray, records: Records) -> None:
        records.partner[...] = partners(uniform[:, 0], records)
        side = np.sqrt(1 - beta(uniform[:, 1], self.alpha))
        row, column = np.floor(uniform[:, 2:4] * [records.height, records.width]).T
        records.patch[...] = box(row, column, side * records.height, side * records.width)
