"""Mean over windows of rows."""

from typing import ClassVar

from fastcnn.plugins.layers.average_pooling2d import AveragePooling2D
from fastcnn.plugins.registry import layers


@layers.register("average_pooling1d")
class AveragePooling1D(AveragePooling2D):
    """y[c, i] = mean over the window of x[c]. x (channels, length) -> y (channels, out length).

    strides: as pool_size unless given; padding: "valid", "same", a number, or (before, after).
    count_padding: whether padded places count as zeros in the mean; if not (as in Keras), they are
        left out.
    """

    axes: ClassVar[int] = 1
