"""Another shape for the same numbers."""

import math

from fastcnn.engine.layer import Shape
from fastcnn.errors import OptionError, ShapeError
from fastcnn.plugins.layers.flatten import Flatten
from fastcnn.plugins.registry import layers


@layers.register("reshape")
class Reshape(Flatten):
    """x -> the same numbers as target_shape: (channels, height, width), (channels, length)
    or (features,).

    Moves no data.
    """

    def __init__(self, target_shape: tuple[int, ...], name: str | None = None) -> None:
        self.target_shape = tuple(target_shape)
        if len(self.target_shape) not in (1, 2, 3):
            raise OptionError(f"target_shape must have 1 to 3 axes, not {self.target_shape}")
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        if math.prod(self.target_shape) != math.prod(shapes[0]):
            raise ShapeError(
                f"{shapes[0]} can't become {self.target_shape}: not the same number of values"
            )
        return self.target_shape
