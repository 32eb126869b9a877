"""What the transformers of images have in common."""

from abc import abstractmethod
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from fastcnn.engine.preprocessing import Preprocessing
from fastcnn.errors import DataError
from fastcnn.features.samples import as_images, check_X


class ImageTransformer(TransformerMixin, BaseEstimator):
    """Base of transformers of images. Subclasses store options and compute features.

    They have `input_shape` among their options: the shape of the image in a flat row. Rows without
    it are images one pixel high.
    """

    input_shape: tuple[int, ...] | None

    def fit(self, X: Any, y: Any = None) -> "ImageTransformer":
        """Check the options against the images' shape; y is not used.

        X: (n, H, W) or (n, H, W, C), uint8 or floats, or rows (n, features).
        """
        self._first_images(X)
        return self

    def _first_images(self, X: Any) -> np.ndarray:
        """(N, H, W, C), after `fit` has seen them."""
        images = as_images(check_X(self, X, reset=True))
        self.pixels_ = Preprocessing.of(images)
        self._fit(images)
        return images

    def transform(self, X: Any) -> np.ndarray:
        """(n, features) float32 of images of the shape that `fit` saw."""
        check_is_fitted(self)
        return self._features(self._images(X))

    def _images(self, X: Any) -> np.ndarray:
        """(N, H, W, C) of images of the shape, and on the scale, that `fit` saw."""
        images = as_images(check_X(self, X, reset=False))
        fault = self.pixels_.fault(images)
        if fault is not None and images.shape[1] > 1:
            raise DataError(f"the images of X {fault}".replace("the model was", "fit was"))
        return images

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the features; input_features are only checked."""
        check_is_fitted(self)
        _check_feature_names_in(self, input_features, generate_names=False)
        return np.array(self._names(), dtype=object)

    @abstractmethod
    def _fit(self, images: np.ndarray) -> None:
        """Check the options, and set what is found from the images (N, H, W, C)."""

    @abstractmethod
    def _features(self, images: np.ndarray) -> np.ndarray:
        """Features of images (N, H, W, C), uint8 or float32."""

    @abstractmethod
    def _names(self) -> list[str]: ...

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
