"""Stronger and weaker contrast."""

import numpy as np

from fastcnn.engine.augmentation import Augmentation, Records, between
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import augmentations


@augmentations.register("contrast")
class Contrast(Augmentation):
    """c (v - g) + g with the middle grey g and a factor c in 1 - amount to 1 + amount."""

    def __init__(self, amount: float = 0.2) -> None:
        if not 0 <= amount <= 1:
            raise OptionError(f"amount lies in [0, 1], not {amount}")
        self.amount = float(amount)

    def apply(self, uniform: np.ndarray, records: Records) -> None:
        factor = 1 + between(uniform, -1, 1) * self.amount
        shift = np.tile((1 - factor) * records.peak / 2, (1, records.channels))
        records.paint(factor[:, :, None] * np.eye(records.channels), shift)
