"""2-D convolution."""

from typing import Any, Unpack

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Parameter, Shape
from fastcnn.engine.options import Padding, pair, positive, resolve_padding
from fastcnn.engine.stage import Stage
from fastcnn.engine.weighted_layer import KernelOptions, WeightedLayer
from fastcnn.errors import OptionError, ShapeError
from fastcnn.kernels.geometry import extent, gradient_halo, output_size
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

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: Padding = "valid",
        dilation_rate: int | tuple[int, int] = 1,
        groups: int = 1,
        activation: Any = None,
        **options: Unpack[KernelOptions],
    ) -> None:
        super().__init__(activation, **options)
        self.filters = positive("filters", filters)
        self.kernel_size = pair("kernel_size", kernel_size)
        self.strides = pair("strides", strides)
        self.padding = padding
        self.dilation_rate = pair("dilation_rate", dilation_rate)
        self.groups = positive("groups", groups)
        if filters % groups:
            raise OptionError(f"filters ({filters}) must be a multiple of groups ({groups})")

    def pads(self, shape: Shape) -> tuple[int, int, int, int]:
        """Rows and columns of zeros: top, bottom, left, right."""
        return resolve_padding(
            self.padding, shape[1:], self.kernel_size, self.strides, self.dilation_rate
        )

    def output_shape(self, *shapes: Shape) -> Shape:
        (shape,) = shapes
        if len(shape) != 3:
            raise ShapeError(f"needs images (channels, height, width), not {shape}")
        if shape[0] % self.groups:
            raise ShapeError(f"{shape[0]} channels can't be split into {self.groups} groups")
        top, bottom, left, right = self.pads(shape)
        padded = (shape[1] + top + bottom, shape[2] + left + right)
        steps = zip(padded, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        height, width = (output_size(*step) for step in steps)
        if not height or not width:
            kernel = "x".join(map(str, map(extent, self.kernel_size, self.dilation_rate)))
            image = "x".join(map(str, padded))
            raise ShapeError(f"the kernel ({kernel}) is larger than the padded image ({image})")
        return self.filters, height, width

    def parameters(self, *shapes: Shape) -> dict[str, Parameter]:
        area = self.kernel_size[0] * self.kernel_size[1]
        per_group = shapes[0][0] // self.groups
        return self.kernel_and_bias(
            (self.filters, per_group, *self.kernel_size),
            (self.filters,),
            fan_in=per_group * area,
            fan_out=self.filters // self.groups * area,
        )

    def multiply_adds(self, *shapes: Shape) -> int:
        filters, height, width = self.output_shape(*shapes)
        kernel_height, kernel_width = self.kernel_size
        return (
            filters * height * width * (shapes[0][0] // self.groups) * kernel_height * kernel_width
        )

    def fuses_pool(self, pool: Any, lanes: int) -> bool:
        """Whether a kernel exists that pools the convolution's output before it is stored."""
        if pool.registered_name != "max_pooling2d" or lanes != 16:
            return False
        return (pool.pool_size, pool.strides, pool.padding) == ((2, 2), (2, 2), "valid")

    # ---- kernels

    def _geometry(self) -> dict[str, int]:
        (stride_h, stride_w), (dilation_h, dilation_w) = self.strides, self.dilation_rate
        return {
            "stride_h": stride_h,
            "stride_w": stride_w,
            "dilation_h": dilation_h,
            "dilation_w": dilation_w,
            "groups": self.groups,
        }

    def forward(self, build: Builder, stage: Stage) -> None:
        pads = self.pads(stage.x.sample)
        x = build.padded(stage.x, pads)
        params = {**self._geometry(), "activation": stage.activation, "alpha": stage.alpha}
        params |= {"zero_top": pads[0], "zero_bottom": pads[1]}
        w = build.parameter(stage, "kernel")
        b = self.bias(build, stage)
        y = build.output(stage)
        if stage.pool is None:
            build.step("conv2d_forward", params, x=x, w=w, b=b, y=y)
        else:
            stage.saved["index"] = index = build.buffer(y.shape, "uint8")
            build.step("conv2d_max_pool_forward", params, x=x, w=w, b=b, y=y, index=index)

    def backward(self, build: Builder, stage: Stage) -> None:
        dz, pooled = stage.dy, stage.pool is not None
        if pooled and stage.x.needs_gradient:
            dz = self._unpool(build, stage)
        if pooled and (self._skips_zeros or not stage.x.needs_gradient):
            arguments = {"dy": stage.dy, "y": stage.y, "index": stage.saved["index"]}
            self._backward_weight(build, stage, "conv2d_max_pool_backward_weight", **arguments)
        else:
            self._backward_weight(build, stage, "conv2d_backward_weight", dy=dz)
        if stage.x.needs_gradient:
            self._backward_input(build, stage, dz)

    @property
    def _skips_zeros(self) -> bool:
        """Whether the pooled weight gradient skips the three of four pixels that lost: it beats the
        plain one then, even where the unpooled gradient has to be made for the input gradient."""
        flat_steps = (self.strides, self.dilation_rate[1]) == ((1, 1), 1)
        return flat_steps and self.kernel_size[1] in (3, 5)

    def _unpool(self, build: Builder, stage: Stage) -> Any:
        dz = build.tensor(self.output_shape(stage.x.sample))
        window = {"window_h": 2, "window_w": 2, "stride_h": 2, "stride_w": 2}
        build.step("max_pool2d_backward", window, dy=stage.dy, index=stage.saved["index"], dx=dz)
        return dz

    def _backward_weight(self, build: Builder, stage: Stage, kernel: str, **arguments: Any) -> None:
        pads = self.pads(stage.x.sample)
        params = {**self._geometry(), "zero_top": pads[0], "zero_bottom": pads[1]}
        dw = build.parameter_gradient(stage, "kernel")
        db = self.bias_gradient(build, stage)
        build.step(kernel, params, x=build.padded(stage.x, pads), dw=dw, db=db, **arguments)

    def _backward_input(self, build: Builder, stage: Stage, dz: Any) -> None:
        sample = stage.x.sample
        pads = self.pads(sample)
        (_, *size), (_, *output) = sample, self.output_shape(sample)
        kernel = (self.kernel_size, self.strides, self.dilation_rate)
        halo = gradient_halo(
            pair("size", size), pair("output", output), *kernel, (pads[0], pads[2])
        )
        slope, params = build.backward_slope(stage.x)
        params |= {**self._geometry(), "pad_top": pads[0], "pad_left": pads[2]}
        params |= {"halo_top": halo[0], "halo_bottom": halo[1], "halo_left": halo[2]}
        w = build.parameter(stage, "kernel")

        def emit(dx: Any) -> None:
            dy = build.padded(dz, halo)
            build.step("conv2d_backward_input", params, dy=dy, w=w, dx=dx, **slope)

        build.add_gradient(stage.x, emit, slope=True)
