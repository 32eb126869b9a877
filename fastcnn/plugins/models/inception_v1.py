"""GoogLeNet (Szegedy et al. 2015, "Going Deeper with Convolutions"), without auxiliary outputs."""

from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.symbolic import Structure, SymbolicTensor
from fastcnn.layers import (
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    GlobalAveragePooling2D,
    LocalResponseNormalization,
    MaxPooling2D,
)
from fastcnn.plugins.registry import models

# Table 1. Filters of: 1x1; 1x1 - 3x3; 1x1 - 5x5; pool - 1x1. A module, or the pool between two.
POOL = ()
MODULES: tuple[tuple[int, ...], ...] = (
    (64, 96, 128, 16, 32, 32),
    (128, 128, 192, 32, 96, 64),
    POOL,
    (192, 96, 208, 16, 48, 64),
    (160, 112, 224, 24, 64, 64),
    (128, 128, 256, 24, 64, 64),
    (112, 144, 288, 32, 64, 64),
    (256, 160, 320, 32, 128, 128),
    POOL,
    (256, 160, 320, 32, 128, 128),
    (384, 192, 384, 48, 128, 128),
)


@models.register("inception_v1")
def inception_v1(input_shape: Shape = (3, 224, 224), classes: int = 1000) -> Structure:
    """conv 64@7x7/2 - pool - LRN - 64@1x1 - 192@3x3 - LRN - pool - 9 inceptions - mean - dense"""

    def net(x: SymbolicTensor) -> SymbolicTensor:
        x = LocalResponseNormalization(5, k=1.0)(pool(conv(64, 7, strides=2)(x)))
        x = conv(192, 3)(conv(64, 1)(x))
        x = pool(LocalResponseNormalization(5, k=1.0)(x))
        for filters in MODULES:
            x = inception(x, *filters) if filters else pool(x)
        x = Dropout(0.4)(GlobalAveragePooling2D()(x))
        return Dense(classes, activation="softmax")(x)

    return net


def inception(
    x: SymbolicTensor, one: int, reduce3: int, three: int, reduce5: int, five: int, pooled: int
) -> SymbolicTensor:
    """Figure 2b: four branches of one image size, channels one after the other."""
    branches = [
        conv(one, 1)(x),
        conv(three, 3)(conv(reduce3, 1)(x)),
        conv(five, 5)(conv(reduce5, 1)(x)),
        conv(pooled, 1)(MaxPooling2D(3, strides=1, padding="same")(x)),
    ]
    return Concatenate()(branches)


def conv(filters: int, size: int, strides: int = 1) -> Layer:
    return Conv2D(
        filters,
        size,
        strides,
        size // 2,
        activation="relu",
        kernel_initializer="he_normal",
    )


def pool(x: SymbolicTensor) -> SymbolicTensor:
    return MaxPooling2D(3, strides=2, padding="same")(x)
