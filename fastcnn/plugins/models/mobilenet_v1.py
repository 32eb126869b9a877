"""MobileNet (Howard et al. 2017): depthwise separable convolutions."""

from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.options import number
from fastcnn.layers import (
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    GlobalAveragePooling2D,
    ReLU,
)
from fastcnn.plugins.registry import models

BLOCKS = (  # filters, stride (table 1)
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *[(512, 1)] * 5,
    *((1024, 2), (1024, 1)),
)


@models.register("mobilenet_v1")
def mobilenet_v1(
    input_shape: Shape = (3, 224, 224), classes: int = 1000, alpha: float = 1.0
) -> list[Layer]:
    """conv 32@3x3/2 - 13 x (depthwise 3x3 - conv 1x1), 64 to 1024 filters - mean - dense

    alpha: width; every layer has alpha times as many filters, rounded down.
    """
    number("alpha", alpha)

    def width(filters: int) -> int:
        return max(1, int(alpha * filters))

    net = conv_norm(width(32), 3, strides=2)
    for filters, stride in BLOCKS:
        net += [*depthwise_norm(stride), *conv_norm(width(filters), 1)]
    return [*net, GlobalAveragePooling2D(), Dense(classes, activation="softmax")]


def conv_norm(filters: int, size: int, strides: int = 1) -> list[Layer]:
    conv = Conv2D(filters, size, strides, "same", use_bias=False, kernel_initializer="he_normal")
    return [conv, BatchNormalization(0.9), ReLU()]


def depthwise_norm(strides: int) -> list[Layer]:
    conv = DepthwiseConv2D(3, strides, "same", use_bias=False, depthwise_initializer="he_normal")
    return [conv, BatchNormalization(0.9), ReLU()]
