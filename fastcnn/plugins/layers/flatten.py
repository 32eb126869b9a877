"""Images to feature vectors."""

import math

from fastcnn.engine.builder import Builder
from fastcnn.engine.flat_order import differs
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.stage import Stage
from fastcnn.plugins.registry import layers


@layers.register("flatten")
class Flatten(Layer):
    """(height, width, channels) -> (height * width * channels,), in the order of the data format.

    Moves no data where a dense layer follows (see engine/flat_order.py).
    """

    keeps_values = True

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        return (math.prod(shapes[0]),)

    def flattened(self, shape: Shape) -> Shape | None:
        return shape if differs(shape) else None

    def forward(self, build: Builder, stage: Stage) -> None:
        stage.ys = [build.alias(stage.x, stage.last.shape)]

    def backward(self, build: Builder, stage: Stage) -> None:
        if stage.x.needs_gradient:
            build.accept_gradient(stage.x, build.alias(stage.dy, stage.x.sample))
