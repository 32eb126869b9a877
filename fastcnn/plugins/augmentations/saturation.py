"""Stronger and weaker colours."""

import numpy as np

from fastcnn.engine.augmentation import Augmentation, Records, between
from fastcnn.errors import OptionError, ShapeError
from fastcnn.plugins.registry import augmentations

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


@augmentations.register("saturation")
class Saturation(Augmentation):
    """s v + (1 - s) grey(v), grey = 0.299 R + 0.587 G + 0.114 B, s in 1 - amount to 1 + amount.

    For RGB images only.
    """

    def __init__(self, amount: float = 0.2) -> None:
        if amount < 0:
            raise OptionError(f"amount must not be negative, not {amount}")
        self.amount = float(amount)

    def apply(self, uniform: np.ndarray, records: Records) -> None:
        if records.channels != 3:
            raise ShapeError(f"saturation needs RGB images, not {records.channels} channels")
        s = (1 + between(uniform, -1, 1) * self.amount)[:, :, None]
        grey = np.tile(LUMA, (3, 1))
        records.paint(s * np.eye(3) + (1 - s) * grey, np.zeros(3))
