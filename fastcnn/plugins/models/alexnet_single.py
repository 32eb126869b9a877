"""AlexNet without groups (Krizhevsky 2014, "One weird trick for parallelizing CNNs")."""

from fastcnn.engine.layer import Layer, Shape
from fastcnn.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from fastcnn.plugins.registry import models


@models.register("alexnet_single")
def alexnet_single(input_shape: Shape = (3, 224, 224), classes: int = 1000) -> list[Layer]:
    """conv 64@11x11/4 - 192@5x5 - 384@3x3 - 256 - 256, pools 3/2 - dense 4096 - dense 4096 - dense

    One tower and no response normalisation, in the sizes that PyTorch's model zoo has.
    """
    return [
        Conv2D(64, 11, strides=4, padding=2, activation="relu", kernel_initializer="he_normal"),
        MaxPooling2D(3, strides=2),
        Conv2D(192, 5, padding=2, activation="relu", kernel_initializer="he_normal"),
        MaxPooling2D(3, strides=2),
        Conv2D(384, 3, padding=1, activation="relu", kernel_initializer="he_normal"),
        Conv2D(256, 3, padding=1, activation="relu", kernel_initializer="he_normal"),
        Conv2D(256, 3, padding=1, activation="relu", kernel_initializer="he_normal"),
        MaxPooling2D(3, strides=2),
        Flatten(),
        Dropout(0.5),
        Dense(4096, activation="relu", kernel_initializer="he_normal"),
        Dropout(0.5),
        Dense(4096, activation="relu", kernel_initializer="he_normal"),
        Dense(classes, activation="softmax"),
    ]
