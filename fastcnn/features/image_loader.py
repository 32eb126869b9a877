"""Picture files to images."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._set_output import _get_output_config

from fastcnn.arguments import check_attributes
from fastcnn.data.images import read_images
from fastcnn.data.picture_options import PictureOptions
from fastcnn.engine.options import pair
from fastcnn.errors import ShapeError
from fastcnn.features.image_mapper import pixel_names


class ImageLoader(TransformerMixin, BaseEstimator):
    """Paths (n,) of JPEG, PNG, GIF, WebP, TIFF, ... files to images (n, height, width, C).

    size: a number or (height, width) that all pictures are resized to.
    channels: 3 for RGB, 1 for grey.
    background: white, black, grey or (R, G, B), what transparent pictures are drawn onto.
    bits: 16-bit values mean 0 to 2**bits - 1.
    max_pixels: larger pictures are refused; None: 180 million.

    Images are uint8, or float32 in 0..1 if a picture among them has 16 bits or floats.

    X may be a list, an array, or a table of one column. Nothing is learned: `transform` needs no
    `fit`. As tables (`set_output`) images come out as rows.
    """

    def __init__(
        self,
        size: int | tuple[int, int] = 32,
        channels: int = 3,
        *,
        background: Any = "white",
        bits: int = 16,
        max_pixels: int | None = None,
    ) -> None:
        self.size = size
        self.channels = channels
        self.background = background
        self.bits = bits
        self.max_pixels = max_pixels

    def fit(self, X: Any, y: Any = None) -> "ImageLoader":
        """Only look whether X can be a list of paths; y is not used."""
        check_attributes(self)
        self.n_features_in_ = 1
        _paths(X)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """The pictures; a DataError counts and names the files that can't be read."""
        options = PictureOptions.of(self.background, self.bits, self.max_pixels)
        images = read_images(_paths(X), pair("size", self.size), self.channels, options)
        rows = _get_output_config("transform", self)["dense"] != "default"
        return images.reshape(len(images), -1) if rows else images

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the pixels of an image in a row."""
        return np.array(pixel_names((*pair("size", self.size), self.channels)), dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        tags.requires_fit = False
        return tags


def _paths(X: Any) -> list[str]:
    array = np.asarray(X, dtype=object)
    if array.ndim != 1 and array.shape[1:] != (1,):
        raise ShapeError(f"X has shape {array.shape}; expected paths (n,), or one column of them")
    return [str(path) for path in array.ravel()]
