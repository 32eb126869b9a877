"""A multilayer perceptron: what a CNN should beat."""

from fastcnn.engine.layer import Layer, Shape
from fastcnn.layers import Dense, Flatten
from fastcnn.plugins.registry import models


@models.register("mlp")
def mlp(input_shape: Shape = (1, 28, 28), classes: int = 10) -> list[Layer]:
    """dense 256 - ReLU - dense 128 - ReLU - dense"""
    return [
        Flatten(),
        Dense(256, activation="relu", kernel_initializer="he_normal"),
        Dense(128, activation="relu", kernel_initializer="he_normal"),
        Dense(classes, activation="softmax"),
    ]
