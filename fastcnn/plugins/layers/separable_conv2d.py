"""Depthwise separable 2-D convolution."""

import math
from typing import Unpack

from fastcnn.engine.builder import Builder
from fastcnn.engine.convolution import Convolution, convolution_of
from fastcnn.engine.layer import Parameter, Shape
from fastcnn.engine.options import Padding, pair, positive
from fastcnn.engine.stage import Stage
from fastcnn.engine.tensor import Tensor
from fastcnn.engine.weighted_layer import SeparableOptions, WeightedLayer
from fastcnn.plugins.registry import layers


@layers.register("separable_conv2d")
class SeparableConv2D(WeightedLayer):
    """A depthwise convolution without bias or activation, then one of 1x1 pixels:

        z[c m + q, i, j] = sum over u, v of w[c m + q, 0, u, v] x[c, s i + d u - p, s j + d v - p]
        y[k, i, j] = act(b[k] + sum over e of v[k, e, 0, 0] z[e, i, j])

    m = depth_multiplier, q < m. x (channels, height, width) -> y (filters, out height, out width).
    depthwise_kernel w (channels m, 1, kernel height, kernel width), pointwise_kernel v (filters,
    channels m, 1, 1). Padding, strides and dilation as in Conv2D. (Chollet 2017.)
    """

    options = SeparableOptions

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: Padding = "valid",
        dilation_rate: int | tuple[int, int] = 1,
        depth_multiplier: int = 1,
        activation: str | None = None,
        **options: Unpack[SeparableOptions],
    ) -> None:
        super().__init__(activation, **options)
        self.filters = positive("filters", filters)
        self.kernel_size = pair("kernel_size", kernel_size)
        self.strides = pair("strides", strides)
        self.padding = padding
        self.dilation_rate = pair("dilation_rate", dilation_rate)
        self.depth_multiplier = positive("depth_multiplier", depth_multiplier)

    def depthwise(self, shape: Shape) -> Convolution:
        return convolution_of(self, shape, groups=shape[0])

    def pointwise(self, shape: Shape) -> Convolution:
        return Convolution(self.depthwise(shape).output, (1, 1))

    def between(self, shape: Shape) -> Shape:
        """What goes from the depthwise to the pointwise convolution."""
        return shape[0] * self.depth_multiplier, *self.depthwise(shape).output

    def output_shape(self, *shapes: Shape) -> Shape:
        return self.filters, *self.depthwise(shapes[0]).output

    def parameters(self, *shapes: Shape) -> dict[str, Parameter]:
        outputs, area = shapes[0][0] * self.depth_multiplier, math.prod(self.kernel_size)
        depthwise = {"fan_in": area, "fan_out": self.depth_multiplier * area}
        pointwise = {"fan_in": outputs, "fan_out": self.filters}
        made = {
            "depthwise_kernel": self.weight(
                "depthwise", (outputs, 1, *self.kernel_size), **depthwise
            ),
            "pointwise_kernel": self.weight(
                "pointwise", (self.filters, outputs, 1, 1), **pointwise
            ),
        }
        return made | self.bias_parameter((self.filters,), **pointwise)

    def multiply_adds(self, *shapes: Shape) -> int:
        between = math.prod(self.between(shapes[0]))
        return between * (math.prod(self.kernel_size) + self.filters)

    def forward(self, build: Builder, stage: Stage) -> None:
        shape = stage.x.sample
        z = build.tensor(self.between(shape))
        stage.saved["between"] = z
        w, v = (build.parameter(stage, f"{name}_kernel") for name in ("depthwise", "pointwise"))
        self.depthwise(shape).forward(build, stage.x, w, None, z)
        self.pointwise(shape).forward(build, z, v, self.bias(build, stage), build.output(stage))

    def backward(self, build: Builder, stage: Stage) -> None:
        shape, z = stage.x.sample, stage.saved["between"]
        assert isinstance(z, Tensor)
        pointwise, depthwise = self.pointwise(shape), self.depthwise(shape)
        dv = build.parameter_gradient(stage, "pointwise_kernel")
        pointwise.backward_weight(build, z, stage.dy, dv, self.bias_gradient(build, stage))
        pointwise.backward_input(build, z, stage.dy, build.parameter(stage, "pointwise_kernel"))
        assert z.gradient is not None
        dw = build.parameter_gradient(stage, "depthwise_kernel")
        depthwise.backward_weight(build, stage.x, z.gradient, dw, None)
        w = build.parameter(stage, "depthwise_kernel")
        depthwise.backward_input(build, stage.x, z.gradient, w)
