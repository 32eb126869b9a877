"""LeNet-5 (LeCun et al. 1998), with a softmax in place of the radial basis output."""

from fastcnn.engine.layer import Layer, Shape
from fastcnn.layers import AveragePooling2D, Conv2D, Dense, Flatten
from fastcnn.plugins.registry import models


@models.register("lenet5")
def lenet5(input_shape: Shape = (1, 28, 28), classes: int = 10) -> list[Layer]:
    """conv 6@5x5 same - pool - conv 16@5x5 - pool - dense 120 - dense 84 - dense, with tanh"""
    return [
        Conv2D(6, 5, padding="same", activation="tanh"),
        AveragePooling2D(2),
        Conv2D(16, 5, activation="tanh"),
        AveragePooling2D(2),
        Flatten(),
        Dense(120, activation="tanh"),
        Dense(84, activation="tanh"),
        Dense(classes, activation="softmax"),
    ]
