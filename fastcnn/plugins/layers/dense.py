"""Fully connected layer."""

from typing import Any, Unpack

import numpy as np

from fastcnn.engine.algorithms import DirectBf16, Task, choose
from fastcnn.engine.builder import Builder
from fastcnn.engine.convolution import Convolution
from fastcnn.engine.layer import Parameter, Shape
from fastcnn.engine.options import positive
from fastcnn.engine.stage import Stage
from fastcnn.engine.weighted_layer import KernelOptions, WeightedLayer
from fastcnn.errors import ShapeError
from fastcnn.plugins.registry import layers

# A dense layer is a convolution of one pixel; so it is computed where factors are rounded to bf16.
PIXEL = Convolution((1, 1), (1, 1))
# Weights that single images read from L3: fewer lie in L2, more are not worth as much memory again.
PACKED = range(1 << 17, 1 << 23)


@layers.register("dense")
class Dense(WeightedLayer):
    """y = act(w x + b)

    x (features,) -> y (units,); w is (units, features), b (units,). Put a Flatten before it.
    """

    folds_norm = True
    takes_columns = True

    def __init__(
        self, units: int, activation: Any = None, **options: Unpack[KernelOptions]
    ) -> None:
        super().__init__(activation, **options)
        self.units = positive("units", units)

    def output_shape(self, *shapes: Shape) -> Shape:
        (shape,) = shapes
        if len(shape) != 1:
            raise ShapeError(f"needs flat input, not {shape}: put a Flatten() before it")
        return (self.units,)

    def parameters(self, *shapes: Shape) -> dict[str, Parameter]:
        fans = {"fan_in": shapes[0][0], "fan_out": self.units}
        return self.kernel_and_bias((self.units, shapes[0][0]), (self.units,), **fans)

    def multiply_adds(self, *shapes: Shape) -> int:
        return self.units * shapes[0][0]

    def _in_bf16(self, build: Builder, stage: Stage, direction: str) -> bool:
        units, features = stage.node.parameters["kernel"].shape
        return isinstance(choose(Task(build, PIXEL, direction, features, units)), DirectBf16)

    def forward(self, build: Builder, stage: Stage) -> None:
        w, b = build.folded(stage, build.parameter(stage, "kernel"), self.bias(build, stage))
        if self._in_bf16(build, stage, "forward"):
            PIXEL.forward(build, stage.x, _as_kernel(w), b, build.output(stage))
            return
        x = build.flat(stage.x)
        packed = build.lanes == 1 and not build.training and w.size in PACKED
        params = {"activation": stage.activation, "alpha": stage.alpha, "packed": packed}
        build.step("dense_forward", params, x=x, w=w, b=b, y=build.flat(build.output(stage)))

    def backward(self, build: Builder, stage: Stage) -> None:
        dy = build.flat(stage.dy)
        w = build.parameter(stage, "kernel")
        dw = build.parameter_gradient(stage, "kernel")
        db = self.bias_gradient(build, stage)
        if self._in_bf16(build, stage, "backward_weight"):
            PIXEL.backward_weight(build, stage.x, stage.dy, _as_kernel(dw), db)
        else:
            build.step("dense_backward_weight", x=build.flat(stage.x), dy=dy, dw=dw, db=db)
        if self._in_bf16(build, stage, "backward_input"):
            PIXEL.backward_input(build, stage.x, stage.dy, _as_kernel(w))
            return
        slope, params = build.backward_slope(stage.x, build.flat)

        def emit(dx: Any) -> None:
            build.step("dense_backward_input", params, dy=dy, w=w, dx=build.flat(dx), **slope)

        build.add_gradient(stage.x, emit, slope=True)


def _as_kernel(w: np.ndarray) -> np.ndarray:
    """(units, features) as the kernel of a convolution."""
    return w[:, :, None, None]
