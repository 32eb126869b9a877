"""Lighter and darker images."""

import numpy as np

from fastcnn.engine.augmentation import Augmentation, Records, between
from fastcnn.plugins.registry import augmentations


@augmentations.register("brightness")
class Brightness(Augmentation):
    """v + b, b up to `amount` of the way from black to white, to either side.

    Values are not clipped.
    """

    def __init__(self, amount: float = 0.2) -> None:
        self.amount = float(amount)

    def apply(self, uniform: np.ndarray, records: Records) -> None:
        added = between(uniform, -1, 1) * self.amount * records.peak
        records.paint(np.eye(records.channels), np.tile(added, (1, records.channels)))
