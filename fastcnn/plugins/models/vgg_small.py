"""A net in the manner of VGG for CIFAR-10, with batch norm (Ioffe and Szegedy 2015)."""

from fastcnn.engine.layer import Layer, Shape
from fastcnn.layers import BatchNormalization, Conv2D, Dense, Flatten, MaxPooling2D, ReLU
from fastcnn.plugins.registry import models


@models.register("vgg_small")
def vgg_small(input_shape: Shape = (3, 32, 32), classes: int = 10) -> list[Layer]:
    """(conv 3x3 - norm - ReLU, twice, - pool 2) with 64, 128, 256 filters - dense 256 - dense"""
    net: list[Layer] = []
    for filters in (64, 128, 256):
        for _ in range(2):
            conv = Conv2D(
                filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal"
            )
            net += [conv, BatchNormalization(0.9, 1e-5), ReLU()]
        net.append(MaxPooling2D(2))
    return [
        *net,
        Flatten(),
        Dense(256, activation="relu", kernel_initializer="he_normal"),
        Dense(classes, activation="softmax"),
    ]
