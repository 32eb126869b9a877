"""Turned images."""

import math

import numpy as np

from fastcnn.engine.augmentation import Augmentation, Records, between
from fastcnn.plugins.registry import augmentations


@augmentations.register("rotation")
class Rotation(Augmentation):
    """Every image is turned about its centre by an angle of up to `degrees` to either side."""

    def __init__(self, degrees: float = 15.0) -> None:
        self.degrees = float(degrees)

    def apply(self, uniform: np.ndarray, records: Records) -> None:
        angle = between(uniform[:, 0], -1, 1) * math.radians(self.degrees)
        cos, sin = np.cos(angle), np.sin(angle)
        records.view(np.stack([cos, -sin, sin, cos], axis=1).reshape(-1, 2, 2), np.zeros(2))
