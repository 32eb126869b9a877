"""Values of pixels to a common scale."""

import numpy as np

from fastcnn.errors import unknown
from fastcnn.features.image_mapper import ImageMapper

METHODS = ("standard", "minmax", "unit")


class ImageScaler(ImageMapper):
    """x scale[channel] + offset[channel], as float32.

    method: "standard": mean 0 and standard deviation 1 of each channel in `fit`; "minmax": its
        least value to 0, its largest to 1; "unit": uint8 to 0..1, floats as they are.
    input_shape: (H, W) or (H, W, C), the image in a flat row.

    Fitted: scale_ and offset_ (C,), sample_shape_, n_features_in_. A channel of one value becomes
    0.
    """

    def __init__(
        self, method: str = "standard", *, input_shape: tuple[int, ...] | None = None
    ) -> None:
        self.method = method
        self.input_shape = input_shape

    def _fit(self, images: np.ndarray) -> None:
        if self.method not in METHODS:
            raise unknown("method", self.method, METHODS)
        axes = (0, 1, 2)
        images = self._values(images)
        if self.method == "standard":
            middle, width = images.mean(axes, np.float64), images.std(axes, np.float64)
        elif self.method == "minmax":
            middle = images.min(axes).astype(np.float64)
            width = images.max(axes) - middle
        else:
            middle = np.zeros(images.shape[3])
            width = np.ones(images.shape[3])
        self.scale_ = 1 / np.where(width > 0, width, 1.0)
        self.offset_ = -middle * self.scale_

    def _map(self, images: np.ndarray) -> np.ndarray:
        values = self._values(images)
        return values * self.scale_.astype(np.float32) + self.offset_.astype(np.float32)

    def _values(self, images: np.ndarray) -> np.ndarray:
        """uint8 on the scale of the images that `fit` saw, all others by value."""
        if images.dtype != np.uint8 or self.pixels_.unit is None:
            return images
        return images * np.float32(self.pixels_.unit)
