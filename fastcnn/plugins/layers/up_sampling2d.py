"""Larger images."""

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.options import check_image, pair
from fastcnn.engine.stage import Stage
from fastcnn.errors import unknown
from fastcnn.plugins.registry import layers

INTERPOLATIONS = ("nearest", "bilinear")


@layers.register("up_sampling2d")
class UpSampling2D(Layer):
    """nearest: y[c, i, j] = x[c, i // f, j // g].

    bilinear: y[c, i, j] = the four pixels of x around ((i + 1/2) / f - 1/2, (j + 1/2) / g - 1/2),
    each by its nearness in rows and columns; beyond the border its pixels go on.

    x (channels, height, width) -> y (channels, f height, g width), (f, g) = size.
    """

    keeps_values = True

    def __init__(
        self,
        size: int | tuple[int, int] = 2,
        interpolation: str = "nearest",
        name: str | None = None,
    ) -> None:
        self.size = pair("size", size)
        if interpolation not in INTERPOLATIONS:
            raise unknown("interpolation", interpolation, INTERPOLATIONS)
        self.interpolation = interpolation
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        (shape,) = shapes
        check_image(shape, 2)
        return shape[0], shape[1] * self.size[0], shape[2] * self.size[1]

    def forward(self, build: Builder, stage: Stage) -> None:
        kernel = f"upsample2d_{self.interpolation}_forward"
        build.step(kernel, x=stage.x, y=build.output(stage))

    def backward(self, build: Builder, stage: Stage) -> None:
        kernel, dy = f"upsample2d_{self.interpolation}_backward", stage.dy
        build.add_gradient(stage.x, lambda dx: build.step(kernel, dy=dy, dx=dx))
