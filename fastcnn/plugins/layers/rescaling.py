"""A fixed multiple of the input."""

import math
from typing import Any

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.stage import Stage
from fastcnn.plugins.registry import layers


@layers.register("rescaling")
class Rescaling(Layer):
    """y = scale x + offset

    x and y have one shape. E.g. 1 / 9 after a net's last layer makes its softmax softer, and the
    gradients smaller, without smaller weights. (As in Keras.)
    """

    scales_pixels = True
    any_order = True

    def __init__(self, scale: float, offset: float = 0.0, name: str | None = None) -> None:
        self.scale, self.offset = float(scale), float(offset)
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        return shapes[0]

    def multiply_adds(self, *shapes: Shape) -> int:
        return math.prod(shapes[0])

    def _weight(self, build: Builder, stage: Stage) -> dict[str, Any]:
        """A convolution of one pixel, with a group for each channel."""
        return {"w": build.array((stage.x.shape[1], 1, 1, 1), build.dtype, self.scale)}

    def forward(self, build: Builder, stage: Stage) -> None:
        params = {"groups": stage.x.shape[1]}
        b = build.array(stage.x.shape[1:2], build.dtype, self.offset)
        arrays = self._weight(build, stage) | {"b": b}
        build.step("conv2d_forward", params, x=stage.x, y=build.output(stage), **arrays)

    def backward(self, build: Builder, stage: Stage) -> None:
        slope, params = build.backward_slope(stage.x)
        params["groups"] = stage.x.shape[1]
        arrays = {**self._weight(build, stage), **slope, "dy": stage.dy}

        def emit(dx: Any) -> None:
            build.step("conv2d_backward_input", params, dx=dx, **arrays)

        build.add_gradient(stage.x, emit, slope=True)
