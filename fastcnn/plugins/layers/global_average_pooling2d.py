"""Mean over the whole image."""

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.stage import Stage
from fastcnn.errors import ShapeError
from fastcnn.plugins.registry import layers


class GlobalPooling2D(Layer):
    """A pooling layer whose window is the whole image; gives (channels,)."""

    pooling: str  # registered name of the layer that does it

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        if len(shapes[0]) != 3:
            raise ShapeError(f"needs images (channels, height, width), not {shapes[0]}")
        return (shapes[0][0],)

    def _windowed(self, stage: Stage) -> Layer:
        return layers.get(self.pooling)(stage.x.sample[1:])

    def forward(self, build: Builder, stage: Stage) -> None:
        self._windowed(stage).forward(build, stage)

    def backward(self, build: Builder, stage: Stage) -> None:
        self._windowed(stage).backward(build, stage)


@layers.register("global_average_pooling2d")
class GlobalAveragePooling2D(GlobalPooling2D):
    """y[c] = mean over all pixels of x[c]. x (channels, height, width) -> y (channels,)."""

    pooling = "average_pooling2d"
