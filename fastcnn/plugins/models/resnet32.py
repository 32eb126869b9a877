"""The residual net of 32 layers for CIFAR-10 (He et al. 2016); see resnet20.py."""

from fastcnn.engine.layer import Shape
from fastcnn.engine.symbolic import Structure
from fastcnn.plugins.models.resnet20 import residual_net
from fastcnn.plugins.registry import models


@models.register("resnet32")
def resnet32(input_shape: Shape = (3, 32, 32), classes: int = 10, shortcut: str = "A") -> Structure:
    """conv 16@3x3 - 3 x 5 residual blocks with 16, 32, 64 filters - mean - dense"""
    return residual_net(5, classes, shortcut)
