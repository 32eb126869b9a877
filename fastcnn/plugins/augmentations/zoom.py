"""Larger and smaller images."""

import numpy as np

from fastcnn.engine.augmentation import Augmentation, Records, between
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import augmentations


@augmentations.register("zoom")
class Zoom(Augmentation):
    """Every image is magnified about its centre by a factor between low and high.

    The factor's logarithm is uniform, so that halving is as likely as doubling.
    """

    def __init__(self, low: float = 0.9, high: float = 1.1) -> None:
        if not 0 < low <= high:
            raise OptionError(f"zoom needs 0 < low <= high, not {low} and {high}")
        self.low = float(low)
        self.high = float(high)

    def apply(self, uniform: np.ndarray, records: Records) -> None:
        factor = np.exp(between(uniform[:, 0], np.log(self.low), np.log(self.high)))
        records.view(np.eye(2) / factor[:, None, None], np.zeros(2))
