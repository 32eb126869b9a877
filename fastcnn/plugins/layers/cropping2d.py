"""Images without their border."""

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.options import Padding, check_image, explicit_padding
from fastcnn.engine.stage import Stage
from fastcnn.engine.tensor import Tensor
from fastcnn.errors import ShapeError
from fastcnn.plugins.layers.zero_padding2d import without_border
from fastcnn.plugins.registry import layers


@layers.register("cropping2d")
class Cropping2D(Layer):
    """y = x without the rows and columns at its border.

    x (channels, height, width) -> y (channels, height - top - bottom, width - left - right).

    cropping: a number of pixels, (rows, columns), or ((top, bottom), (left, right)).
    """

    keeps_values = True

    def __init__(self, cropping: Padding = ((0, 0), (0, 0)), name: str | None = None) -> None:
        explicit_padding(cropping, "cropping")
        self.cropping = cropping
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        (shape,) = shapes
        check_image(shape, 2)
        top, bottom, left, right = explicit_padding(self.cropping, "cropping")
        height, width = shape[1] - top - bottom, shape[2] - left - right
        if height < 1 or width < 1:
            raise ShapeError(f"cropping {self.cropping} leaves nothing of {shape}")
        return shape[0], height, width

    def forward(self, build: Builder, stage: Stage) -> None:
        inner = without_border(stage.x, explicit_padding(self.cropping))
        build.step("copy", x=inner, y=build.output(stage))

    def backward(self, build: Builder, stage: Stage) -> None:
        def emit(dx: Tensor) -> None:
            dx.framed = True
            build.step("copy", x=stage.dy, y=without_border(dx, explicit_padding(self.cropping)))

        build.add_gradient(stage.x, emit)
