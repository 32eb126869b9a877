"""Mean over the whole image."""

from typing import ClassVar

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.options import check_image
from fastcnn.engine.stage import Stage
from fastcnn.plugins.registry import layers


class GlobalPooling2D(Layer):
    """A pooling layer whose window is the whole image; gives (channels,).

    keepdims: whether it gives (channels, 1, 1) instead.
    """

    axes: ClassVar[int] = 2  # of an image
    keeps_values = True

    def __init__(self, keepdims: bool = False, name: str | None = None) -> None:
        self.keepdims = keepdims
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        (shape,) = shapes
        check_image(shape, self.axes)
        return (shape[0], *(1,) * self.axes) if self.keepdims else (shape[0],)


@layers.register("global_average_pooling2d")
class GlobalAveragePooling2D(GlobalPooling2D):
    """y[c] = mean over all pixels of x[c]. x (channels, height, width) -> y (channels,), or
    (channels, 1, 1) with keepdims."""

    def _window(self, stage: Stage) -> dict[str, int]:
        height, width = stage.x.shape[2:4]
        return {"window_h": height, "window_w": width, "stride_h": height, "stride_w": width}

    def forward(self, build: Builder, stage: Stage) -> None:
        build.step("avg_pool2d_forward", self._window(stage), x=stage.x, y=build.output(stage))

    def backward(self, build: Builder, stage: Stage) -> None:
        slope, params = build.backward_slope(stage.x)
        params |= self._window(stage)
        dy = stage.dy
        build.add_gradient(
            stage.x,
            lambda dx: build.step("avg_pool2d_backward", params, dy=dy, dx=dx, **slope),
            slope=True,
        )
