"""What transformers have in common that make images of images."""

from abc import abstractmethod
from itertools import product
from typing import Any

import numpy as np
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import check_is_fitted

from fastcnn.features.samples import as_images, is_rows
from fastcnn.features.transformer import ImageTransformer


class ImageMapper(ImageTransformer):
    """Base of transformers from images to images.

    Images come out as they came in: with or without an axis of channels, as rows for rows. As
    tables (`set_output(transform="pandas")`) they come out as rows, too.
    """

    def transform(self, X: Any) -> np.ndarray:
        """The new images."""
        check_is_fitted(self)
        return self._like(X, self._map(self._images(X)))

    def _like(self, X: Any, images: np.ndarray) -> np.ndarray:
        """Images (N, H, W, C) in the form of X, or as rows for a table."""
        if is_rows(X) or _get_output_config("transform", self)["dense"] != "default":
            return images.reshape(len(images), -1)
        return images[..., 0] if len(self.sample_shape_) == 2 else images

    def _features(self, images: np.ndarray) -> np.ndarray:
        return self._map(images).reshape(len(images), -1)

    @abstractmethod
    def _map(self, images: np.ndarray) -> np.ndarray:
        """New images (N, H', W', C') of images (N, H, W, C), uint8 or float32."""

    def _names(self) -> list[str]:
        return pixel_names(self._shape(as_images(np.empty((1, *self.sample_shape_))).shape[1:]))

    def _shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Of an image that comes out, for one (H, W, C) that goes in."""
        return shape


def pixel_names(shape: tuple[int, ...]) -> list[str]:
    """Names of the numbers of an image (H, W, C) in a row."""
    return [f"pixel_{h}_{w}_{c}" for h, w, c in product(*map(range, shape))]
