"""Maximum over windows."""

import math
from typing import Any, ClassVar

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.options import (
    Padding,
    as_pair,
    check_image,
    per_axis,
    resolve_padding,
    row_padding,
)
from fastcnn.engine.stage import Stage
from fastcnn.errors import OptionError, ShapeError
from fastcnn.kernels.checks import MAX_POOL_CELLS
from fastcnn.kernels.geometry import output_size
from fastcnn.plugins.registry import layers


class Pooling2D(Layer):
    """What maximum and average pooling share: windows, strides and padding."""

    axes: ClassVar[int] = 2  # of an image that the window moves along
    keeps_values = True

    def __init__(
        self,
        pool_size: int | tuple[int, ...] = 2,
        strides: int | tuple[int, ...] | None = None,
        padding: Padding = "valid",
        name: str | None = None,
    ) -> None:
        self.pool_size = per_axis("pool_size", pool_size, self.axes)
        self.strides = per_axis("strides", pool_size if strides is None else strides, self.axes)
        self.padding = padding
        self.name = name

    def window(self, shape: Shape) -> dict[str, Any]:
        """Integers of the kernels, for samples of this shape."""
        check_image(shape, self.axes)
        size, strides = as_pair(self.pool_size), as_pair(self.strides)
        pads = self._pads(shape)
        return {
            "window_h": size[0],
            "window_w": size[1],
            "stride_h": strides[0],
            "stride_w": strides[1],
            "pad_top": pads[0],
            "pad_left": pads[2],
        }

    def _pads(self, shape: Shape) -> tuple[int, int, int, int]:
        padding = self.padding if self.axes == 2 else row_padding(self.padding)
        image, size, strides = map(as_pair, (shape[1:], self.pool_size, self.strides))
        pads = resolve_padding(padding, image, size, strides, (1, 1))
        if max(pads[:2]) >= size[0] or max(pads[2:]) >= size[1]:
            raise OptionError(
                f"padding {self.padding!r} must be smaller than the window {self.pool_size}:"
                " a window of padding alone has neither a maximum nor a mean"
            )
        return pads

    def output_shape(self, *shapes: Shape) -> Shape:
        (shape,) = shapes
        check_image(shape, self.axes)
        (top, bottom, left, right), (height, width) = self._pads(shape), as_pair(shape[1:])
        padded = (height + top + bottom, width + left + right)
        sizes = map(output_size, padded, as_pair(self.pool_size), as_pair(self.strides))
        pooled = tuple(sizes)[-self.axes :]
        if not all(pooled):
            window, image = ("x".join(map(str, s[-self.axes :])) for s in (self.pool_size, padded))
            raise ShapeError(f"the window ({window}) is larger than the padded image ({image})")
        return shape[0], *pooled


@layers.register("max_pooling2d")
class MaxPooling2D(Pooling2D):
    """y[c, i, j] = max over the window of x[c]; padding never wins. x (C, H, W) -> y (C, OH, OW).

    pool_size: at most 255 pixels; strides: as pool_size unless given; padding as in Conv2D.
    """

    def output_shape(self, *shapes: Shape) -> Shape:
        if math.prod(self.pool_size) > MAX_POOL_CELLS:
            raise OptionError(f"a max pooling window has at most 255 pixels, not {self.pool_size}")
        return super().output_shape(*shapes)

    def forward(self, build: Builder, stage: Stage) -> None:
        y = build.output(stage)
        y.activation, y.alpha = (
            stage.x.activation,
            stage.x.alpha,
        )  # the largest y is still f(some x)
        stage.saved["index"] = index = build.buffer(y.shape, "uint8")
        build.step("max_pool2d_forward", self.window(stage.x.sample), x=stage.x, y=y, index=index)

    def backward(self, build: Builder, stage: Stage) -> None:
        window, index = self.window(stage.x.sample), stage.saved["index"]
        dy = stage.dy  # its writer has applied the slope of x's activation: see forward
        build.add_gradient(
            stage.x,
            lambda dx: build.step("max_pool2d_backward", window, dy=dy, index=index, dx=dx),
            slope=True,
        )
