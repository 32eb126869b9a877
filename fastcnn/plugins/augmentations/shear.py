"""Slanted images."""

import math

import numpy as np

from fastcnn.engine.augmentation import Augmentation, Records, between
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import augmentations


@augmentations.register("shear")
class Shear(Augmentation):
    """Upright lines of every image are slanted by an angle of up to `degrees` to either side."""

    def __init__(self, degrees: float = 10.0) -> None:
        if not 0 <= degrees < 90:
            raise OptionError(f"a shear lies in [0, 90) degrees, not {degrees}")
        self.degrees = float(degrees)

    def apply(self, uniform: np.ndarray, records: Records) -> None:
        angle = between(uniform[:, 0], -1, 1) * math.radians(self.degrees)
        linear = np.tile(np.eye(2), (len(records), 1, 1))
        linear[:, 0, 1] = np.tan(angle)
        records.view(linear, np.zeros(2))
