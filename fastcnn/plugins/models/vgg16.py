"""VGG-16 (Simonyan and Zisserman 2015, "Very Deep Convolutional Networks", configuration D)."""

from fastcnn.engine.layer import Layer, Shape
from fastcnn.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from fastcnn.plugins.registry import models

BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # filters, convolutions


@models.register("vgg16")
def vgg16(input_shape: Shape = (3, 224, 224), classes: int = 1000) -> list[Layer]:
    """13 convolutions 3x3, 64 to 512 filters in 5 blocks, pools 2 - dense 4096 - 4096 - dense"""
    net: list[Layer] = []
    for filters, convolutions in BLOCKS:
        for _ in range(convolutions):
            conv = Conv2D(
                filters, 3, padding="same", activation="relu", kernel_initializer="he_normal"
            )
            net.append(conv)
        net.append(MaxPooling2D(2))
    return [
        *net,
        Flatten(),
        Dense(4096, activation="relu", kernel_initializer="he_normal"),
        Dropout(0.5),
        Dense(4096, activation="relu", kernel_initializer="he_normal"),
        Dropout(0.5),
        Dense(classes, activation="softmax"),
    ]
