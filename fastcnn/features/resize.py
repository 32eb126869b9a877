"""Images to another size."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from fastcnn.data.resizing import resize, resize_images
from fastcnn.engine.options import pair
from fastcnn.errors import ShapeError
from fastcnn.features.image_mapper import ImageMapper
from fastcnn.features.samples import as_images, check_pixels, is_rows


class Resize(ImageMapper):
    """Images of another size, by OpenCV: averaged when a side shrinks, else linear.

    size: a number or (height, width).
    input_shape: (H, W) or (H, W, C), the image in a flat row.

    X may also be a list, or an array of objects, of images of different sizes and the same
    channels; `transform` takes images of any size, whatever `fit` saw.
    """

    def __init__(
        self, size: int | tuple[int, int] = 32, *, input_shape: tuple[int, ...] | None = None
    ) -> None:
        self.size = size
        self.input_shape = input_shape

    def fit(self, X: Any, y: Any = None) -> "Resize":
        """Check the size; y is not used."""
        super().fit(self._even(X))
        return self

    def transform(self, X: Any) -> np.ndarray:
        """The new images."""
        check_is_fitted(self)
        X = self._even(X)
        if is_rows(X) or self.input_shape is not None:
            return super().transform(X)
        images = check_pixels(X)
        if images.shape[3:] != self.sample_shape_[2:]:
            raise ShapeError(
                f"X has images {images.shape[1:]}; expected channels as in {self.sample_shape_}"
            )
        return self._like(X, self._map(as_images(images)))

    def _even(self, X: Any) -> Any:
        """Images of different sizes resized to one array; anything else as it is."""
        objects = isinstance(X, np.ndarray) and X.dtype.kind == "O"
        if not objects and not isinstance(X, list | tuple):
            return X
        try:
            images = [np.asarray(image) for image in X]
        except ValueError:  # ragged in itself, which scikit-learn's checks say
            return X
        shapes = {image.shape for image in images}
        if len(shapes) < 2 or not all(len(shape) in (2, 3) for shape in shapes):
            return np.stack(images) if objects and shapes and len(shapes) < 2 else X
        for index, image in enumerate(images):
            if image.shape[2:] != images[0].shape[2:] or 0 in image.shape:
                raise ShapeError(
                    f"X[{index}] has shape {image.shape}, X[0] {images[0].shape}; expected images "
                    "(H, W) or (H, W, C) of any size with the same channels"
                )
        if any(image.dtype != np.uint8 for image in images):
            images = [check_pixels(image[None])[0].astype(np.float32) for image in images]
        return np.stack([resize(image, pair("size", self.size)) for image in images])

    def _fit(self, images: np.ndarray) -> None:
        self._map(images[:1])

    def _map(self, images: np.ndarray) -> np.ndarray:
        return resize_images(images, pair("size", self.size))

    def _shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*pair("size", self.size), shape[2])
