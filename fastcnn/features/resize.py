"""Images to another size."""

import numpy as np

from fastcnn.data.resizing import resize_images
from fastcnn.engine.options import pair
from fastcnn.features.image_mapper import ImageMapper


class Resize(ImageMapper):
    """Images of another size, by OpenCV: averaged when a side shrinks, else linear.

    size: a number or (height, width).
    input_shape: (H, W) or (H, W, C), the image in a flat row.

    X may also be a list (or an array of objects) of images of different sizes, all with the same
    channels; then any sizes can follow in `transform`.
    """

    def __init__(
        self, size: int | tuple[int, int] = 32, *, input_shape: tuple[int, ...] | None = None
    ) -> None:
        self.size = size
        self.input_shape = input_shape

    def _fit(self, images: np.ndarray) -> None:
        self._map(images[:1])

    def _map(self, images: np.ndarray) -> np.ndarray:
        return resize_images(images, pair("size", self.size))

    def _shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*pair("size", self.size), shape[2])
