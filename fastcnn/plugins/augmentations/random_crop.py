"""A part of the image, enlarged to its full size."""

import numpy as np

from fastcnn.engine.augmentation import Augmentation, Records, between
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import augmentations


@augmentations.register("random_crop")
class RandomCrop(Augmentation):
    """A part of every image, of `scale` to 1 of its area, is stretched to the whole.

    Its ratio of width to height, relative to the image's, lies between 1 / ratio and ratio, with a
    uniform logarithm. (Szegedy et al. 2015, section 6.) See "shift" for crops of the same size.
    """

    draws = 4

    def __init__(self, scale: float = 0.5, ratio: float = 4 / 3) -> None:
        if not 0 < scale <= 1 or ratio < 1:
            raise OptionError(f"needs 0 < scale <= 1 <= ratio, not {scale} and {ratio}")
        self.scale = float(scale)
        self.ratio = float(ratio)

    def apply(self, uniform: np.ndarray, records: Records) -> None:
        area = between(uniform[:, 0], self.scale, 1)
        stretch = np.exp(between(uniform[:, 1], -np.log(self.ratio), np.log(self.ratio)))
        part = np.sqrt(np.stack([area * stretch, area / stretch], axis=1))
        part = np.minimum(part, 1)  # of width and height
        size = np.array([records.width, records.height])
        free = (1 - part) * size
        records.view(part[:, :, None] * np.eye(2), (uniform[:, 2:4] - 0.5) * free)
