"""The residual net of 34 layers for ImageNet (He et al. 2016); see resnet18.py."""

from fastcnn.engine.layer import Shape
from fastcnn.engine.symbolic import Structure
from fastcnn.plugins.models.resnet18 import imagenet_residual_net
from fastcnn.plugins.registry import models


@models.register("resnet34")
def resnet34(input_shape: Shape = (3, 224, 224), classes: int = 1000) -> Structure:
    """conv 64@7x7/2 - pool - 3, 4, 6, 3 residual blocks with 64 to 512 filters - mean - dense"""
    return imagenet_residual_net((3, 4, 6, 3), classes)
