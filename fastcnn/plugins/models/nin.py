"""Network in Network for CIFAR-10 (Lin, Chen and Yan 2013)."""

from fastcnn.engine.layer import Layer, Shape
from fastcnn.layers import (
    AveragePooling2D,
    Conv2D,
    Dropout,
    GlobalAveragePooling2D,
    MaxPooling2D,
    Softmax,
)
from fastcnn.plugins.registry import models


@models.register("nin")
def nin(input_shape: Shape = (3, 32, 32), classes: int = 10) -> list[Layer]:
    """conv 192@5x5 - 160@1x1 - 96 - pool - 192@5x5 - 192@1x1 - 192 - pool - 192@3x3 - 192 - mean

    The 1x1 convolutions are a small perceptron that slides over the image; the last one has a
    filter for each class, and the mean of its pixels is the class's score.
    """
    return [
        *perceptron(5, (192, 160, 96)),
        MaxPooling2D(3, strides=2, padding="same"),
        Dropout(0.5),
        *perceptron(5, (192, 192, 192)),
        AveragePooling2D(3, strides=2, padding="same"),
        Dropout(0.5),
        *perceptron(3, (192, 192, classes)),
        GlobalAveragePooling2D(),
        Softmax(),
    ]


def perceptron(size: int, filters: tuple[int, int, int]) -> list[Layer]:
    """A convolution of that size and two of 1x1, each with a ReLU."""
    return [
        Conv2D(n, k, padding="same", activation="relu", kernel_initializer="he_normal")
        for n, k in zip(filters, (size, 1, 1), strict=True)
    ]
