"""Maximum over the whole image."""

from fastcnn.plugins.layers.global_average_pooling2d import GlobalPooling2D
from fastcnn.plugins.registry import layers


@layers.register("global_max_pooling2d")
class GlobalMaxPooling2D(GlobalPooling2D):
    """y[c] = max over all pixels of x[c]. x (channels, height, width) -> y (channels,).

    At most 255 pixels.
    """

    pooling = "max_pooling2d"
