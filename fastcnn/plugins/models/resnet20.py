"""Residual nets for CIFAR-10 (He et al. 2016, "Deep Residual Learning", section 4.2)."""

from fastcnn.engine.layer import Shape
from fastcnn.engine.symbolic import Structure, SymbolicTensor
from fastcnn.errors import unknown
from fastcnn.layers import (
    Add,
    AveragePooling2D,
    BatchNormalization,
    ChannelPadding,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    ReLU,
)
from fastcnn.plugins.registry import models


@models.register("resnet20")
def resnet20(input_shape: Shape = (3, 32, 32), classes: int = 10, shortcut: str = "A") -> Structure:
    """conv 16@3x3 - 3 x 3 residual blocks with 16, 32, 64 filters - mean - dense"""
    return residual_net(3, classes, shortcut)


def residual_net(n: int, classes: int, shortcut: str) -> Structure:
    """6n + 2 layers with weights: a convolution, three times n blocks of two, a dense layer."""
    if shortcut not in SHORTCUTS:
        raise unknown("shortcut", shortcut, SHORTCUTS)

    def net(x: SymbolicTensor) -> SymbolicTensor:
        x = ReLU()(conv_norm(x, 16))
        for filters in (16, 32, 64):
            for block in range(n):
                stride = 2 if filters > 16 and block == 0 else 1
                x = residual_block(x, filters, stride, shortcut)
        return Dense(classes, activation="softmax")(GlobalAveragePooling2D()(x))

    return net


def residual_block(x: SymbolicTensor, filters: int, stride: int, shortcut: str) -> SymbolicTensor:
    """ReLU(x + two convolutions of x); with a stride the shortcut must change x's shape, too."""
    y = ReLU()(conv_norm(x, filters, stride))
    y = conv_norm(y, filters)
    return Add(activation="relu")([y, x if stride == 1 else SHORTCUTS[shortcut](x, filters)])


def conv_norm(x: SymbolicTensor, filters: int, stride: int = 1, size: int = 3) -> SymbolicTensor:
    """A convolution that keeps the image's size / stride, and batch norm in place of its bias."""
    conv = Conv2D(filters, size, stride, size // 2, use_bias=False, kernel_initializer="he_normal")
    return BatchNormalization(0.9, 1e-5)(conv(x))


def subsample(x: SymbolicTensor, filters: int) -> SymbolicTensor:
    """Option A: every second pixel, and zeros for the new channels; no parameters."""
    missing = filters - x.sample[0]
    pixels = AveragePooling2D(1, strides=2)(x)
    return ChannelPadding((missing // 2, missing - missing // 2))(pixels)


def project(x: SymbolicTensor, filters: int) -> SymbolicTensor:
    """Option B: a 1x1 convolution."""
    return conv_norm(x, filters, stride=2, size=1)


SHORTCUTS = {"A": subsample, "B": project}
