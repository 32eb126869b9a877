"""Transposed 2-D convolution."""

import math
from typing import Unpack

from fastcnn.engine.builder import Builder
from fastcnn.engine.convolution import Convolution
from fastcnn.engine.layer import Parameter, Shape
from fastcnn.engine.options import Padding, check_image, explicit_padding, pair, positive
from fastcnn.engine.stage import Stage
from fastcnn.engine.tensor import Tensor
from fastcnn.engine.weighted_layer import KernelOptions, WeightedLayer
from fastcnn.errors import OptionError, ShapeError
from fastcnn.kernels.geometry import Pair, extent
from fastcnn.plugins.registry import layers


@layers.register("conv2d_transpose")
class Conv2DTranspose(WeightedLayer):
    """y[k, s i + d u - p, s j + d v - p] = act(b[k] + sum over c, i, u, j, v of w[c, k, u, v]
    x[c, i, j]): what a convolution from y to x does to gradients. (Zeiler et al. 2010.)

    x (channels, height, width) -> y (filters, out height, out width), with stride s, dilation d and
    p rows (columns) cut off before the image. kernel (channels, filters, kernel height, kernel
    width).

    padding: what is cut off. With e = d (kernel - 1) + 1, o = output_padding (an integer, two, or
        None for the default) the sizes are, as in Keras,
        "valid": s (in - 1) + e + o, o = max(s - e, 0) by default;
        "same": s in by default, else s (in - 1) + e % 2 + o;
        numbers of pixels as in Conv2D: s (in - 1) + e - before - after + o (PyTorch's meaning).
    """

    strides: Pair
    unit_axis = 1

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: Padding = "valid",
        output_padding: int | tuple[int, int] | None = None,
        dilation_rate: int | tuple[int, int] = 1,
        activation: str | None = None,
        **options: Unpack[KernelOptions],
    ) -> None:
        super().__init__(activation, **options)
        self.filters = positive("filters", filters)
        self.kernel_size = pair("kernel_size", kernel_size)
        self.strides = pair("strides", strides)
        self.padding = padding
        self.output_padding = _output_padding(output_padding, self.strides)
        self.dilation_rate = pair("dilation_rate", dilation_rate)

    def convolution(self, shape: Shape) -> Convolution:
        """The one from y to x, whose adjoint this layer is."""
        check_image(shape, 2)
        (height, top), (width, left) = (self._along(axis, shape[1 + axis]) for axis in (0, 1))
        if height < 1 or width < 1:
            raise ShapeError(f"padding {self.padding!r} leaves nothing of the output")
        bottom = max(0, self._full(0, shape[1]) - top - height)
        right = max(0, self._full(1, shape[2]) - left - width)
        pads, size = (top, bottom, left, right), (height, width)
        return Convolution(size, self.kernel_size, self.strides, self.dilation_rate, pads)

    def _full(self, axis: int, size: int) -> int:
        """Size along an axis of all that the kernels reach."""
        reach = extent(self.kernel_size[axis], self.dilation_rate[axis])
        return (size - 1) * self.strides[axis] + reach

    def _along(self, axis: int, size: int) -> Pair:
        """Size of the output along an axis, and how much is cut off before it."""
        stride = self.strides[axis]
        reach = extent(self.kernel_size[axis], self.dilation_rate[axis])
        more = None if self.output_padding is None else self.output_padding[axis]
        if self.padding == "same":
            # As many zeros as Keras puts around x, between whose pixels it puts stride - 1.
            zeros = stride + reach - 2 if more is None else reach + reach % 2 - 2 + more
            cut = reach - 1 - min(-(-zeros // 2), reach - 1)
            return (size * stride if more is None else (size - 1) * stride + reach % 2 + more), cut
        full = self._full(axis, size)
        if self.padding == "valid":
            return full + (max(stride - reach, 0) if more is None else more), 0
        words = '"valid", "same", '
        before, after = explicit_padding(self.padding, words=words)[2 * axis : 2 * axis + 2]
        return full - before - after + (more or 0), before

    def output_shape(self, *shapes: Shape) -> Shape:
        return self.filters, *self.convolution(shapes[0]).size

    def parameters(self, *shapes: Shape) -> dict[str, Parameter]:
        channels, area = shapes[0][0], math.prod(self.kernel_size)
        fans = {"fan_in": self.filters * area, "fan_out": channels * area}
        kernel = (channels, self.filters, *self.kernel_size)
        return self.kernel_and_bias(kernel, (self.filters,), **fans)

    def multiply_adds(self, *shapes: Shape) -> int:
        return math.prod(shapes[0]) * self.filters * math.prod(self.kernel_size)

    def forward(self, build: Builder, stage: Stage) -> None:
        conv = self.convolution(stage.x.sample)
        w, b, y = build.parameter(stage, "kernel"), self.bias(build, stage), build.output(stage)
        params = {**conv.backward_params, "activation": y.activation, "alpha": y.alpha}
        x = build.padded(stage.x, conv.halo)
        build.step("conv2d_transpose_forward", params, x=x, w=w, b=b, y=y)

    def backward(self, build: Builder, stage: Stage) -> None:
        """dy plays the part of an image, x that of an output gradient."""
        conv, x, dy = self.convolution(stage.x.sample), stage.x, stage.dy
        conv.backward_weight(build, dy, x, build.parameter_gradient(stage, "kernel"), None)
        if self.use_bias:
            build.step("bias_backward", dy=dy, db=self.bias_gradient(build, stage))
        w = build.parameter(stage, "kernel")

        def emit(dx: Tensor) -> None:
            conv.forward(build, dy, w, None, dx)

        build.add_gradient(x, emit)


def _output_padding(value: int | tuple[int, int] | None, strides: Pair) -> Pair | None:
    if value is None:
        return None
    rows, columns = (value, value) if isinstance(value, int) else tuple(value)
    for more, stride in zip((rows, columns), strides, strict=True):
        if not 0 <= more < stride:
            raise OptionError(f"output_padding {value} must be less than the strides {strides}")
    return rows, columns
