"""The MNIST example that came with Keras for years."""

from fastcnn.engine.layer import Layer, Shape
from fastcnn.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from fastcnn.plugins.registry import models


@models.register("keras_mnist")
def keras_mnist(input_shape: Shape = (1, 28, 28), classes: int = 10) -> list[Layer]:
    """conv 32@3x3 - conv 64@3x3 - pool 2 - dropout - dense 128 - dropout - dense"""
    return [
        Conv2D(32, 3, activation="relu"),
        Conv2D(64, 3, activation="relu"),
        MaxPooling2D(2),
        Dropout(0.25),
        Flatten(),
        Dense(128, activation="relu"),
        Dropout(0.5),
        Dense(classes, activation="softmax"),
    ]
