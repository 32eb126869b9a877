"""A border of zeros."""

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.options import Padding, check_image, explicit_padding
from fastcnn.engine.stage import Stage
from fastcnn.engine.tensor import Tensor, View
from fastcnn.kernels.geometry import Border
from fastcnn.plugins.registry import layers


@layers.register("zero_padding2d")
class ZeroPadding2D(Layer):
    """y = x with rows and columns of zeros around it.

    x (channels, height, width) -> y (channels, top + height + bottom, left + width + right).

    padding: a number of pixels, (rows, columns), or ((top, bottom), (left, right)). A convolution
        that takes such a padding itself needs no copy of x.
    """

    keeps_scale = True

    def __init__(self, padding: Padding = 1, name: str | None = None) -> None:
        explicit_padding(padding)
        self.padding = padding
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        (shape,) = shapes
        check_image(shape, 2)
        top, bottom, left, right = explicit_padding(self.padding)
        return shape[0], top + shape[1] + bottom, left + shape[2] + right

    def forward(self, build: Builder, stage: Stage) -> None:
        y = build.output(stage)
        y.framed = True
        build.step("copy", x=stage.x, y=without_border(y, explicit_padding(self.padding)))

    def backward(self, build: Builder, stage: Stage) -> None:
        inner = without_border(stage.dy, explicit_padding(self.padding))
        build.pass_gradient(stage.x, inner)


def without_border(tensor: Tensor, border: Border) -> View:
    """What is left of an image when the rows and columns of a border are cut off."""
    top, bottom, left, right = border
    _, _, height, width, _ = tensor.shape
    return View(tensor, lambda a: a[:, :, top : height - bottom, left : width - right])
