"""Images to feature vectors."""

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.stage import Stage
from fastcnn.plugins.registry import layers


@layers.register("flatten")
class Flatten(Layer):
    """(channels, height, width) -> (channels * height * width,), channels slowest; no copy."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        size = 1
        for n in shapes[0]:
            size *= n
        return (size,)

    def forward(self, build: Builder, stage: Stage) -> None:
        stage.ys = [build.alias(stage.x, stage.last.shape)]

    def backward(self, build: Builder, stage: Stage) -> None:
        if stage.x.needs_gradient:
            build.accept_gradient(stage.x, build.alias(stage.dy, stage.x.sample))
