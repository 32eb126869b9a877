"""Residual nets for ImageNet (He et al. 2016, "Deep Residual Learning", table 1)."""

from collections.abc import Sequence

from fastcnn.engine.layer import Shape
from fastcnn.engine.symbolic import Structure, SymbolicTensor
from fastcnn.layers import Dense, GlobalAveragePooling2D, MaxPooling2D, ReLU
from fastcnn.plugins.models.resnet20 import conv_norm, residual_block
from fastcnn.plugins.registry import models


@models.register("resnet18")
def resnet18(input_shape: Shape = (3, 224, 224), classes: int = 1000) -> Structure:
    """conv 64@7x7/2 - pool - 2, 2, 2, 2 residual blocks with 64 to 512 filters - mean - dense"""
    return imagenet_residual_net((2, 2, 2, 2), classes)


def imagenet_residual_net(blocks: Sequence[int], classes: int) -> Structure:
    """So many blocks with 64, 128, 256 and 512 filters; shortcuts are projections (option B)."""

    def net(x: SymbolicTensor) -> SymbolicTensor:
        x = ReLU()(conv_norm(x, 64, stride=2, size=7))
        x = MaxPooling2D(3, strides=2, padding=1)(x)
        for filters, number in zip((64, 128, 256, 512), blocks, strict=True):
            for block in range(number):
                stride = 2 if filters > 64 and block == 0 else 1
                x = residual_block(x, filters, stride, shortcut="B")
        return Dense(classes, activation="softmax")(GlobalAveragePooling2D()(x))

    return net
