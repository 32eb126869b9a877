"""Convolution without shared weights."""

import math
from typing import Unpack

from fastcnn.engine.builder import Builder
from fastcnn.engine.convolution import Convolution, convolution_of
from fastcnn.engine.layer import Parameter, Shape
from fastcnn.engine.options import Padding, pair, positive
from fastcnn.engine.stage import Stage
from fastcnn.engine.tensor import Tensor
from fastcnn.engine.weighted_layer import KernelOptions, WeightedLayer
from fastcnn.plugins.registry import layers


@layers.register("locally_connected2d")
class LocallyConnected2D(WeightedLayer):
    """y[k, i, j] = act(b[k, i, j] + sum over c, u, v of w[i, j, k, c, u, v] x[c, s i + u - p,
    s j + v - p]): a convolution with weights of its own for each output pixel.

    x (channels, height, width) -> y (filters, out height, out width). kernel (out height, out
    width, filters, channels, kernel height, kernel width), bias (filters, out height, out width).
    Padding and strides as in Conv2D. (Keras 2's layer; Taigman et al. 2014.)
    """

    dilation_rate = (1, 1)
    wide = False

    unit_axis = 2

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: Padding = "valid",
        activation: str | None = None,
        **options: Unpack[KernelOptions],
    ) -> None:
        super().__init__(activation, **options)
        self.filters = positive("filters", filters)
        self.kernel_size = pair("kernel_size", kernel_size)
        self.strides = pair("strides", strides)
        self.padding = padding

    def convolution(self, shape: Shape) -> Convolution:
        return convolution_of(self, shape)

    def output_shape(self, *shapes: Shape) -> Shape:
        return self.filters, *self.convolution(shapes[0]).output

    def parameters(self, *shapes: Shape) -> dict[str, Parameter]:
        (channels, *_), area = shapes[0], math.prod(self.kernel_size)
        output = self.convolution(shapes[0]).output
        return self.kernel_and_bias(
            (*output, self.filters, channels, *self.kernel_size),
            (self.filters, *output),
            fan_in=channels * area,
            fan_out=self.filters * area,
        )

    def multiply_adds(self, *shapes: Shape) -> int:
        return math.prod(self.output_shape(*shapes)) * shapes[0][0] * math.prod(self.kernel_size)

    def _steps(self) -> dict[str, int]:
        return {"stride_h": self.strides[0], "stride_w": self.strides[1]}

    def forward(self, build: Builder, stage: Stage) -> None:
        x = self.convolution(stage.x.sample).padded(build, stage.x)
        w, b, y = build.parameter(stage, "kernel"), self.bias(build, stage), build.output(stage)
        params = {**self._steps(), "activation": y.activation, "alpha": y.alpha}
        build.step("local2d_forward", params, x=x, w=w, b=b, y=y)

    def backward(self, build: Builder, stage: Stage) -> None:
        conv, dy = self.convolution(stage.x.sample), stage.dy
        dw, db = build.parameter_gradient(stage, "kernel"), self.bias_gradient(build, stage)
        x = conv.padded(build, stage.x)
        build.step("local2d_backward_weight", self._steps(), x=x, dy=dy, dw=dw, db=db)
        slope, params = build.backward_slope(stage.x)
        params |= {**self._steps(), "pad_top": conv.pads[0], "pad_left": conv.pads[2]}
        w = build.parameter(stage, "kernel")

        def emit(dx: Tensor) -> None:
            build.step("local2d_backward_input", params, dy=dy, w=w, dx=dx, **slope)

        build.add_gradient(stage.x, emit, slope=True)
