"""A CIFAR-10 net of many Keras courses."""

from fastcnn.engine.layer import Layer, Shape
from fastcnn.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from fastcnn.plugins.registry import models


@models.register("keras_cifar")
def keras_cifar(input_shape: Shape = (3, 32, 32), classes: int = 10) -> list[Layer]:
    """3 x (conv 2x2 same - ReLU - pool 2) - dropout - dense 500 - ReLU - dropout - dense - softmax

    The convolutions have 16, 32 and 64 filters.
    """
    net: list[Layer] = []
    for filters in (16, 32, 64):
        net += [Conv2D(filters, 2, padding="same", activation="relu"), MaxPooling2D(2)]
    return [
        *net,
        Flatten(),
        Dropout(0.3),
        Dense(500, activation="relu"),
        Dropout(0.4),
        Dense(classes, activation="softmax"),
    ]
