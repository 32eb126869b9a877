"""AlexNet (Krizhevsky, Sutskever and Hinton 2012, "ImageNet Classification with Deep CNNs")."""

from fastcnn.engine.layer import Layer, Shape
from fastcnn.layers import (
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    LocalResponseNormalization,
    MaxPooling2D,
)
from fastcnn.plugins.registry import models


@models.register("alexnet")
def alexnet(input_shape: Shape = (3, 227, 227), classes: int = 1000) -> list[Layer]:
    """conv 96@11x11/4 - 256@5x5 - 384@3x3 - 384 - 256, LRN, pools 3/2 - dense 4096 - 4096 - dense

    Convolutions 2, 4 and 5 have two groups: the halves that lay on two graphics cards.
    """
    return [
        conv(96, 11, strides=4),
        response_norm(),
        MaxPooling2D(3, strides=2),
        conv(256, 5, padding=2, groups=2),
        response_norm(),
        MaxPooling2D(3, strides=2),
        conv(384, 3, padding=1),
        conv(384, 3, padding=1, groups=2),
        conv(256, 3, padding=1, groups=2),
        MaxPooling2D(3, strides=2),
        Flatten(),
        Dense(4096, activation="relu", kernel_initializer="he_normal"),
        Dropout(0.5),
        Dense(4096, activation="relu", kernel_initializer="he_normal"),
        Dropout(0.5),
        Dense(classes, activation="softmax"),
    ]


def conv(filters: int, size: int, strides: int = 1, padding: int = 0, groups: int = 1) -> Layer:
    return Conv2D(
        filters,
        size,
        strides,
        padding,
        groups=groups,
        activation="relu",
        kernel_initializer="he_normal",
    )


def response_norm() -> Layer:
    """Section 3.3: k = 2, n = 5, alpha = 1e-4, beta = 0.75; our alpha is the paper's times n."""
    return LocalResponseNormalization(5, alpha=5e-4, beta=0.75, k=2.0)
