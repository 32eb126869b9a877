"""2-D convolution."""

import math
from typing import Any, ClassVar, Unpack

import numpy as np

from fastcnn.engine.algorithms import Direct, choose
from fastcnn.engine.builder import Builder
from fastcnn.engine.convolution import Convolution, convolution_of
from fastcnn.engine.layer import Parameter, Shape
from fastcnn.engine.options import Padding, per_axis, positive
from fastcnn.engine.stage import Stage
from fastcnn.engine.weighted_layer import KernelOptions, WeightedLayer
from fastcnn.errors import OptionError, ShapeError
from fastcnn.plugins.registry import layers


@layers.register("conv2d")
class Conv2D(WeightedLayer):
    """y[k, i, j] = act(b[k] + sum over c, u, v of w[k, c, u, v] x[c, s i + d u - p, s j + d v - p])

    x (channels, height, width) -> y (filters, out height, out width), with stride s, dilation d and
    p rows (columns) of zeros before the image.
    w is (filters, channels / groups, kernel height, kernel width).

    padding: "valid" (none), "same" (as in Keras: out = ceil(in / stride), the odd row goes to the
        end), a number of pixels, (rows, columns), or ((top, bottom), (left, right)).
    groups: channels and filters are split into this many groups which do not see each other.
    """

    axes: ClassVar[int] = 2  # of an image that the kernel moves along
    folds_norm = True

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, ...],
        strides: int | tuple[int, ...] = 1,
        padding: Padding = "valid",
        dilation_rate: int | tuple[int, ...] = 1,
        groups: int = 1,
        activation: Any = None,
        **options: Unpack[KernelOptions],
    ) -> None:
        super().__init__(activation, **options)
        self.filters = positive("filters", filters)
        self.kernel_size = per_axis("kernel_size", kernel_size, self.axes)
        self.strides = per_axis("strides", strides, self.axes)
        self.padding = padding
        self.dilation_rate = per_axis("dilation_rate", dilation_rate, self.axes)
        self.groups = positive("groups", groups)
        if filters % groups:
            raise OptionError(f"filters ({filters}) must be a multiple of groups ({groups})")

    def convolution(self, shape: Shape) -> Convolution:
        """Its geometry for samples of this shape."""
        if shape[0] % self.groups:
            raise ShapeError(f"{shape[0]} channels can't be split into {self.groups} groups")
        return convolution_of(self, shape, self.groups)

    def output_shape(self, *shapes: Shape) -> Shape:
        return self.filters, *self.convolution(shapes[0]).output[-self.axes :]

    def parameters(self, *shapes: Shape) -> dict[str, Parameter]:
        area = math.prod(self.kernel_size)
        per_group = shapes[0][0] // self.groups
        return self.kernel_and_bias(
            (self.filters, per_group, *self.kernel_size),
            (self.filters,),
            fan_in=per_group * area,
            fan_out=self.filters // self.groups * area,
        )

    def multiply_adds(self, *shapes: Shape) -> int:
        taps = shapes[0][0] // self.groups * math.prod(self.kernel_size)
        return math.prod(self.output_shape(*shapes)) * taps

    def fuses_pool(self, pool: Any, lanes: int) -> bool:
        """Whether a kernel exists that pools the convolution's output before it is stored."""
        single = lanes == 1 and (self.groups, *self.strides) == (1, 1, 1)
        if pool.registered_name != "max_pooling2d" or not (lanes == 16 or single):
            return False
        return (pool.pool_size, pool.strides, pool.padding) == ((2, 2), (2, 2), "valid")

    # ---- kernels

    def _kernel(self, build: Builder, stage: Stage) -> np.ndarray:
        w = build.parameter(stage, "kernel")
        return w.reshape(*w.shape[:2], *self.convolution(stage.x.sample).kernel)

    def _kernel_gradient(self, build: Builder, stage: Stage) -> np.ndarray:
        dw = build.parameter_gradient(stage, "kernel")
        return dw.reshape(*dw.shape[:2], *self.convolution(stage.x.sample).kernel)

    def forward(self, build: Builder, stage: Stage) -> None:
        conv = self.convolution(stage.x.sample)
        w, b = build.folded(stage, self._kernel(build, stage), self.bias(build, stage))
        y = build.output(stage)
        if stage.pool is not None and build.lanes == 1:
            conv.forward(build, stage.x, w, b, y, direction="single_max_pool_forward")
            return
        if stage.pool is not None:
            stage.saved["index"] = build.buffer(y.shape, "uint8")
        conv.forward(build, stage.x, w, b, y, stage.saved.get("index"))

    def backward(self, build: Builder, stage: Stage) -> None:
        conv = self.convolution(stage.x.sample)
        dz = stage.dy
        if stage.pool is not None and stage.x.needs_gradient:
            dz = self._unpool(build, stage)
        dw, db = self._kernel_gradient(build, stage), self.bias_gradient(build, stage)
        direct = isinstance(choose(conv.task(build, "max_pool_backward_weight", dw)), Direct)
        of_pooled = self._skips_zeros and direct
        if stage.pool is not None and (of_pooled or not stage.x.needs_gradient):
            self._backward_weight_of_pooled(build, stage)
        else:
            conv.backward_weight(build, stage.x, dz, dw, db)
        conv.backward_input(build, stage.x, dz, self._kernel(build, stage))

    @property
    def _skips_zeros(self) -> bool:
        """Whether the pooled weight gradient skips the three of four pixels that lost: it beats the
        plain one of direct convolution then, even where the unpooled gradient has to be made for
        the input gradient."""
        flat_steps = (self.strides, self.dilation_rate[-1]) == ((1, 1), 1)
        return flat_steps and self.kernel_size[-1] in (3, 5)

    def _unpool(self, build: Builder, stage: Stage) -> Any:
        dz = build.tensor(self.output_shape(stage.x.sample))
        window = {"window_h": 2, "window_w": 2, "stride_h": 2, "stride_w": 2}
        build.step("max_pool2d_backward", window, dy=stage.dy, index=stage.saved["index"], dx=dz)
        return dz

    def _backward_weight_of_pooled(self, build: Builder, stage: Stage) -> None:
        conv = self.convolution(stage.x.sample)
        arguments: dict[str, Any] = {
            "x": conv.padded(build, stage.x),
            "dy": stage.dy,
            "y": stage.y,
            "index": stage.saved["index"],
            "dw": self._kernel_gradient(build, stage),
            "db": self.bias_gradient(build, stage),
        }
        build.step("conv2d_max_pool_backward_weight", conv.forward_params, **arguments)
