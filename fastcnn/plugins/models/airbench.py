"""airbench94 (Jordan 2024, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU")."""

from fastcnn.engine.layer import Layer, Shape
from fastcnn.layers import Activation, BatchNormalization, Conv2D, Dense, Flatten, MaxPooling2D
from fastcnn.plugins.registry import models


@models.register("airbench")
def airbench(input_shape: Shape = (3, 32, 32), classes: int = 10) -> list[Layer]:
    """conv 24@2x2 - (conv - pool 2 - conv, 3x3, with norm and GELU) 64, 256, 256 - pool 3 - dense

    The paper's architecture alone. There the first layer is fixed and whitens patches, other
    kernels begin as the identity, and the scores are divided by 9; here all are plain layers.
    """
    net: list[Layer] = [Conv2D(24, 2, activation="gelu", kernel_initializer="he_normal")]
    for filters in (64, 256, 256):
        net += [conv(filters), MaxPooling2D(2), *norm_gelu(), conv(filters), *norm_gelu()]
    return [
        *net,
        MaxPooling2D(3),
        Flatten(),
        Dense(classes, activation="softmax", use_bias=False),
    ]


def conv(filters: int) -> Layer:
    return Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")


def norm_gelu() -> list[Layer]:
    return [BatchNormalization(0.6, scale=False), Activation("gelu")]
