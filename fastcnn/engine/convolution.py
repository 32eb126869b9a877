"""A 2-D convolution in a plan: sizes, steps and borders, and the kernels of each direction."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastcnn.engine.algorithms import Task, choose
from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Shape
from fastcnn.engine.options import as_pair, check_image, resolve_padding, row_padding
from fastcnn.engine.tensor import NO_HALO, Buffer, Padded, Tensor
from fastcnn.errors import ShapeError
from fastcnn.kernels.geometry import Border, Pair, extent, gradient_halo, output_size

Weights = np.ndarray | None


@dataclass(frozen=True)
class Convolution:
    """Of images of one size. Its methods append kernels; weights are (filters, channels / groups,
    kernel height, kernel width)."""

    size: Pair
    kernel: Pair
    strides: Pair = (1, 1)
    dilation: Pair = (1, 1)
    pads: Border = NO_HALO
    groups: int = 1

    @property
    def output(self) -> Pair:
        """Height and width, or a ShapeError if the kernel is larger than the image."""
        top, bottom, left, right = self.pads
        padded = (self.size[0] + top + bottom, self.size[1] + left + right)
        steps = zip(padded, self.kernel, self.strides, self.dilation, strict=True)
        height, width = (output_size(*step) for step in steps)
        if not height or not width:
            kernel = "x".join(map(str, map(extent, self.kernel, self.dilation)))
            image = "x".join(map(str, padded))
            raise ShapeError(f"the kernel ({kernel}) is larger than the padded image ({image})")
        return height, width

    @property
    def is_plain(self) -> bool:
        """Without steps, dilation or groups."""
        return (self.strides, self.dilation, self.groups) == ((1, 1), (1, 1), 1)

    @property
    def area(self) -> int:
        return self.kernel[0] * self.kernel[1]

    # ---- parameters of kernels

    @property
    def steps(self) -> dict[str, int]:
        return {
            "stride_h": self.strides[0],
            "stride_w": self.strides[1],
            "dilation_h": self.dilation[0],
            "dilation_w": self.dilation[1],
            "groups": self.groups,
        }

    @property
    def forward_params(self) -> dict[str, int]:
        """What all kernels take that read x with its border."""
        return {**self.steps, "zero_top": self.pads[0], "zero_bottom": self.pads[1]}

    @property
    def halo(self) -> Border:
        """Border of zeros around the output that the way back to the input reads."""
        pad = (self.pads[0], self.pads[2])
        return gradient_halo(self.size, self.output, self.kernel, self.strides, self.dilation, pad)

    @property
    def backward_params(self) -> dict[str, int]:
        """What all kernels take that go from the output, with its halo, to the input."""
        top, bottom, left, _ = self.halo
        halo = {"halo_top": top, "halo_bottom": bottom, "halo_left": left}
        return {**self.steps, "pad_top": self.pads[0], "pad_left": self.pads[2], **halo}

    # ---- kernels

    def task(self, build: Builder, direction: str, w: np.ndarray) -> Task:
        """This direction, with weights of this shape."""
        filters, channels = w.shape[:2]
        return Task(build, self, direction, channels, filters)

    def padded(self, build: Builder, x: Tensor) -> Padded:
        return build.padded(x, self.pads)

    def forward(
        self,
        build: Builder,
        x: Tensor,
        w: np.ndarray,
        b: Weights,
        y: Tensor,
        index: Buffer | None = None,
        direction: str = "forward",
    ) -> None:
        """y = act(w * x + b), act being what y ends with; index: followed by a 2x2 max pool."""
        arrays: dict[str, Any] = {"x": x, "w": w, "b": b, "y": y}
        if index is not None:
            arrays["index"] = index
        act = {"activation": y.activation, "alpha": y.alpha}
        algorithm = choose(self.task(build, "forward", w))
        algorithm.emit(self.task(build, direction, w), arrays, act)

    def backward_weight(
        self, build: Builder, x: Tensor, dy: Tensor, dw: np.ndarray, db: Weights
    ) -> None:
        arrays = {"x": x, "dy": dy, "dw": dw, "db": db}
        task = self.task(build, "backward_weight", dw)
        choose(task).emit(task, arrays, {})

    def backward_input(self, build: Builder, x: Tensor, dy: Tensor, w: np.ndarray) -> None:
        """The gradient of x, if somebody needs it."""
        if not x.needs_gradient:
            return
        slope, act = build.backward_slope(x)
        task = self.task(build, "backward_input", w)
        algorithm = choose(task)
        other = build.take_gradient(x) if algorithm.adds else None
        arrays = {"dy": dy, "w": w, **slope, **({} if other is None else {"z": other})}
        build.add_gradient(
            x, lambda dx: algorithm.emit(task, {**arrays, "dx": dx}, act), slope=True
        )


def convolution_of(layer: Any, shape: Shape, groups: int = 1) -> Convolution:
    """That of a layer with kernel_size, strides, dilation_rate and padding for one axis (samples
    (channels, length)) or two (images), for samples of this shape."""
    axes = len(layer.kernel_size)
    check_image(shape, axes)
    size, kernel, strides, dilation = (
        as_pair(t) for t in (shape[1:], layer.kernel_size, layer.strides, layer.dilation_rate)
    )
    padding = layer.padding if axes == 2 else row_padding(layer.padding)
    if axes == 1 and padding == "causal":
        padding = (0, 0), (extent(kernel[1], dilation[1]) - 1, 0)
    pads = resolve_padding(padding, size, kernel, strides, dilation)
    return Convolution(size, kernel, strides, dilation, pads, groups)
