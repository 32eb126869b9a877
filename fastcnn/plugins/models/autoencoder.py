"""A convolutional autoencoder (Masci et al. 2011, "Stacked Convolutional Auto-Encoders")."""

from fastcnn.engine.layer import Layer, Shape
from fastcnn.errors import ShapeError
from fastcnn.layers import Conv2D, Conv2DTranspose
from fastcnn.plugins.registry import models


@models.register("autoencoder")
def autoencoder(input_shape: Shape = (1, 28, 28), classes: int = 0) -> list[Layer]:
    """conv 16@3x3/2 - conv 8@3x3/2, the code - transposed conv 16@3x3/2 - transposed conv 3x3/2

    Images of 0 to 1 in and, through a sigmoid, out: fit(x, x) with the loss mean_squared_error.
    It has no classes.
    """
    if len(input_shape) != 3:
        raise ShapeError(f"the autoencoder takes images, not {tuple(input_shape)}")
    channels, *sides = input_shape
    if any(side % 4 for side in sides):
        raise ShapeError(
            f"the autoencoder halves images twice: their sides {sides} must divide by 4"
        )
    return [
        Conv2D(16, 3, 2, "same", activation="relu", kernel_initializer="he_normal"),
        Conv2D(8, 3, 2, "same", activation="relu", kernel_initializer="he_normal"),
        Conv2DTranspose(16, 3, 2, "same", activation="relu", kernel_initializer="he_normal"),
        Conv2DTranspose(channels, 3, 2, "same", activation="sigmoid"),
    ]
