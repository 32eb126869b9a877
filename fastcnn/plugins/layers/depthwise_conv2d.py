"""Depthwise 2-D convolution."""

from typing import Unpack

from fastcnn.engine.builder import Builder
from fastcnn.engine.convolution import Convolution, convolution_of
from fastcnn.engine.layer import Parameter, Shape
from fastcnn.engine.options import Padding, pair, positive
from fastcnn.engine.stage import Stage
from fastcnn.engine.weighted_layer import DepthwiseOptions, WeightedLayer
from fastcnn.plugins.registry import layers


@layers.register("depthwise_conv2d")
class DepthwiseConv2D(WeightedLayer):
    """y[c m + q, i, j] = act(b[c m + q] + sum over u, v of w[c m + q, 0, u, v] x[c, s i + d u - p,
    s j + d v - p]), m = depth_multiplier, q < m: each channel is convolved with kernels of its own.

    x (channels, height, width) -> y (channels m, out height, out width). kernel (channels m, 1,
    kernel height, kernel width). Padding, strides and dilation as in Conv2D; like it with
    groups = channels and filters = channels m.
    """

    options = DepthwiseOptions
    folds_norm = True

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: Padding = "valid",
        depth_multiplier: int = 1,
        dilation_rate: int | tuple[int, int] = 1,
        activation: str | None = None,
        **options: Unpack[DepthwiseOptions],
    ) -> None:
        super().__init__(activation, **options)
        self.kernel_size = pair("kernel_size", kernel_size)
        self.strides = pair("strides", strides)
        self.padding = padding
        self.depth_multiplier = positive("depth_multiplier", depth_multiplier)
        self.dilation_rate = pair("dilation_rate", dilation_rate)

    def convolution(self, shape: Shape) -> Convolution:
        return convolution_of(self, shape, groups=shape[0])

    def output_shape(self, *shapes: Shape) -> Shape:
        (shape,) = shapes
        return shape[0] * self.depth_multiplier, *self.convolution(shape).output

    def parameters(self, *shapes: Shape) -> dict[str, Parameter]:
        outputs = shapes[0][0] * self.depth_multiplier
        area = self.kernel_size[0] * self.kernel_size[1]
        fans = {"fan_in": area, "fan_out": self.depth_multiplier * area}
        kernel = self.weight("depthwise", (outputs, 1, *self.kernel_size), **fans)
        return {"kernel": kernel, **self.bias_parameter((outputs,), **fans)}

    def multiply_adds(self, *shapes: Shape) -> int:
        outputs, height, width = self.output_shape(*shapes)
        return outputs * height * width * self.kernel_size[0] * self.kernel_size[1]

    def forward(self, build: Builder, stage: Stage) -> None:
        w, b = build.folded(stage, build.parameter(stage, "kernel"), self.bias(build, stage))
        conv = self.convolution(stage.x.sample)
        conv.forward(build, stage.x, w, b, build.output(stage))

    def backward(self, build: Builder, stage: Stage) -> None:
        x, dy, conv = stage.x, stage.dy, self.convolution(stage.x.sample)
        dw, db = build.parameter_gradient(stage, "kernel"), self.bias_gradient(build, stage)
        conv.backward_weight(build, x, dy, dw, db)
        conv.backward_input(build, x, dy, build.parameter(stage, "kernel"))
