"""Layer normalisation."""

from typing import Unpack

from fastcnn.engine.normalization_layer import AffineOptions, PerImageNormalization
from fastcnn.engine.stage import Stage
from fastcnn.plugins.registry import layers


@layers.register("layer_normalization")
class LayerNormalization(PerImageNormalization):
    """y = act(gamma (x - mean) / sqrt(var + epsilon) + beta), over the features of each image

    Of images, each pixel is normalised over its channels: Keras' last axis, and the only one that
    is taken here. (For statistics over pixels and channels take GroupNormalization(1).) gamma and
    beta are one number for each channel or feature. (Ba, Kiros and Hinton 2016.)
    """

    kernel = "layer_norm"

    def __init__(self, epsilon: float = 1e-3, **options: Unpack[AffineOptions]) -> None:
        super().__init__(epsilon, **options)

    def statistics_shape(self, stage: Stage) -> tuple[int, ...]:
        """One for each pixel of each image."""
        blocks, _, *pixels = stage.x.shape
        return (blocks, *pixels)
