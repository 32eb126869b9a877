"""Maximum over windows of rows."""

from typing import ClassVar

from fastcnn.plugins.layers.max_pooling2d import MaxPooling2D
from fastcnn.plugins.registry import layers


@layers.register("max_pooling1d")
class MaxPooling1D(MaxPooling2D):
    """y[c, i] = max over the window of x[c]; padding never wins.

    x (channels, length) -> y (channels, out length).
    pool_size: at most 255; strides: as pool_size unless given; padding: "valid", "same", a number,
    or (before, after).
    """

    axes: ClassVar[int] = 1
