"""What the transformers of images have in common."""

from abc import abstractmethod
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

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
        images = as_images(check_X(self, X, reset=True))
        self._fit(images)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """(n, features) float32 of images of the shape that `fit` saw."""
        check_is_fitted(self)
        return self._features(as_images(check_X(self, X, reset=False)))

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
