"""One convolution and two dense layers (Saito 2016, "Deep Learning from Scratch", chapter 7)."""

from fastcnn.engine.layer import Layer, Shape
from fastcnn.layers import Conv2D, Dense, Flatten, MaxPooling2D
from fastcnn.plugins.registry import models


@models.register("simple_convnet")
def simple_convnet(input_shape: Shape = (1, 28, 28), classes: int = 10) -> list[Layer]:
    """conv 30@5x5 - ReLU - pool 2 - dense 100 - ReLU - dense"""
    return [
        Conv2D(30, 5, activation="relu", kernel_initializer="he_normal"),
        MaxPooling2D(2),
        Flatten(),
        Dense(100, activation="relu", kernel_initializer="he_normal"),
        Dense(classes, activation="softmax"),
    ]
