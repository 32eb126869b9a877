"""Mean over the whole row."""

from typing import ClassVar

from fastcnn.plugins.layers.global_average_pooling2d import GlobalAveragePooling2D
from fastcnn.plugins.registry import layers


@layers.register("global_average_pooling1d")
class GlobalAveragePooling1D(GlobalAveragePooling2D):
    """y[c] = mean of x[c]. x (channels, length) -> y (channels,), with keepdims (channels, 1)."""

    axes: ClassVar[int] = 1
