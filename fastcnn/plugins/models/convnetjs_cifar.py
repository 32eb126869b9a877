"""The CIFAR-10 demo net of ConvNetJS (Karpathy 2014)."""

from fastcnn.engine.layer import Layer, Shape
from fastcnn.layers import Conv2D, Dense, Flatten, MaxPooling2D
from fastcnn.plugins.registry import models


@models.register("convnetjs_cifar")
def convnetjs_cifar(input_shape: Shape = (3, 32, 32), classes: int = 10) -> list[Layer]:
    """(conv 5x5 - ReLU - pool 2) with 16, 20, 20 filters - dense"""
    net: list[Layer] = []
    for filters in (16, 20, 20):
        net += [
            Conv2D(filters, 5, padding="same", activation="relu", kernel_initializer="he_normal"),
            MaxPooling2D(2),
        ]
    return [*net, Flatten(), Dense(classes, activation="softmax")]
