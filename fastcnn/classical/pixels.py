"""Raw pixels as features."""

import numpy as np

from fastcnn.engine.augmenter import white
from fastcnn.features.transformer import ImageTransformer


class Pixels(ImageTransformer):
    """Images as flat rows of float32; uint8 divided by 255.

    input_shape: the image's shape in a flat row.
    """

    def __init__(self, *, input_shape: tuple[int, ...] | None = None) -> None:
        self.input_shape = input_shape

    def _fit(self, images: np.ndarray) -> None:
        """There is nothing to check."""

    def _features(self, images: np.ndarray) -> np.ndarray:
        return images.reshape(len(images), -1) / np.float32(white(images))

    def _names(self) -> list[str]:
        return [f"pixel_{k}" for k in range(self.n_features_in_)]
