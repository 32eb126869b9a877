"""Maximum over windows."""

from typing import Any

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.options import Padding, pair, resolve_padding
from fastcnn.engine.stage import Stage
from fastcnn.errors import OptionError, ShapeError
from fastcnn.kernels.geometry import output_size
from fastcnn.plugins.registry import layers


class Pooling2D(Layer):
    """What maximum and average pooling share: windows, strides and padding."""

    def __init__(
        self,
        pool_size: int | tuple[int, int] = 2,
        strides: int | tuple[int, int] | None = None,
        padding: Padding = "valid",
        name: str | None = None,
    ) -> None:
        self.pool_size = pair("pool_size", pool_size)
        self.strides = pair("strides", pool_size if strides is None else strides)
        self.padding = padding
        self.name = name

    def pads(self, shape: Shape) -> tuple[int, int, int, int]:
        pads = resolve_padding(self.padding, shape[1:], self.pool_size, self.strides, (1, 1))
        if max(pads[:2]) >= self.pool_size[0] or max(pads[2:]) >= self.pool_size[1]:
            raise OptionError(
                f"padding {self.padding!r} must be smaller than the window {self.pool_size}:"
                " a window of padding alone has neither a maximum nor a mean"
            )
        return pads

    def output_shape(self, *shapes: Shape) -> Shape:
        (shape,) = shapes
        if len(shape) != 3:
            raise ShapeError(f"needs images (channels, height, width), not {shape}")
        top, bottom, left, right = self.pads(shape)
        padded = (shape[1] + top + bottom, shape[2] + left + right)
        height, width = map(output_size, padded, self.pool_size, self.strides)
        if not height or not width:
            window, image = ("x".join(map(str, s)) for s in (self.pool_size, padded))
            raise ShapeError(f"the window ({window}) is larger than the padded image ({image})")
        return shape[0], height, width

    def window(self, shape: Shape) -> dict[str, Any]:
        """Integers of the kernels."""
        pads = self.pads(shape)
        return {
            "window_h": self.pool_size[0],
            "window_w": self.pool_size[1],
            "stride_h": self.strides[0],
            "stride_w": self.strides[1],
            "pad_top": pads[0],
            "pad_left": pads[2],
        }


@layers.register("max_pooling2d")
class MaxPooling2D(Pooling2D):
    """y[c, i, j] = max over the window of x[c]; padding never wins. x (C, H, W) -> y (C, OH, OW).

    pool_size: at most 255 pixels; strides: as pool_size unless given; padding as in Conv2D.
    """

    def output_shape(self, *shapes: Shape) -> Shape:
        if self.pool_size[0] * self.pool_size[1] > 255:
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
