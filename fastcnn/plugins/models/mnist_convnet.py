"""A small net for small grey images: the default of `fastcnn train` on MNIST."""

from fastcnn.engine.layer import Layer, Shape
from fastcnn.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from fastcnn.plugins.registry import models


@models.register("mnist_convnet")
def mnist_convnet(input_shape: Shape = (1, 28, 28), classes: int = 10) -> list[Layer]:
    """(conv 5x5 - ReLU - pool 2) with 16, 32 filters - dropout - dense 128 - dropout - dense"""
    net: list[Layer] = []
    for filters in (16, 32):
        net += [
            Conv2D(filters, 5, activation="relu", kernel_initializer="he_normal"),
            MaxPooling2D(2),
        ]
    return [
        *net,
        Dropout(0.25),
        Flatten(),
        Dense(128, activation="relu", kernel_initializer="he_normal"),
        Dropout(0.5),
        Dense(classes, activation="softmax"),
    ]
