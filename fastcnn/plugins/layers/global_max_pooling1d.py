"""Maximum over the whole row."""

from typing import ClassVar

from fastcnn.plugins.layers.global_max_pooling2d import GlobalMaxPooling2D
from fastcnn.plugins.registry import layers


@layers.register("global_max_pooling1d")
class GlobalMaxPooling1D(GlobalMaxPooling2D):
    """y[c] = max of x[c]. x (channels, length) -> y (channels,), with keepdims (channels, 1)."""

    axes: ClassVar[int] = 1
