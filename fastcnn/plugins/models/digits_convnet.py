"""A small net for very small images: the default of `fastcnn train` on the 8x8 digits."""

from fastcnn.engine.layer import Layer, Shape
from fastcnn.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from fastcnn.plugins.registry import models


@models.register("digits_convnet")
def digits_convnet(input_shape: Shape = (1, 8, 8), classes: int = 10) -> list[Layer]:
    """conv 32@3x3 same - conv 32@3x3 same - pool 2 - dropout - dense 128 - dropout - dense"""
    return [
        Conv2D(32, 3, padding="same", activation="relu", kernel_initializer="he_normal"),
        Conv2D(32, 3, padding="same", activation="relu", kernel_initializer="he_normal"),
        MaxPooling2D(2),
        Dropout(0.25),
        Flatten(),
        Dense(128, activation="relu", kernel_initializer="he_normal"),
        Dropout(0.5),
        Dense(classes, activation="softmax"),
    ]
