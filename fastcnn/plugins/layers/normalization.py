"""Channels of mean 0 and variance 1, by the statistics of the training data."""

import math
from typing import Any

import numpy as np

from fastcnn.engine.adapting_layer import AdaptingLayer
from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Parameter, Shape
from fastcnn.engine.stage import Stage
from fastcnn.plugins.registry import layers

SMALLEST = 1e-7  # of a standard deviation, as in Keras: constant channels stay finite


@layers.register("normalization")
class Normalization(AdaptingLayer):
    """y = scale x + offset = (x - mean) / standard deviation, for each channel or feature.

    Mean and deviation are those of the data given to `adapt`. x and y have one shape; scale is
    (channels, 1, 1, 1), offset (channels,).
    """

    scales_pixels = True

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        return shapes[0]

    def parameters(self, *shapes: Shape) -> dict[str, Parameter]:
        channels = shapes[0][0]
        return {
            "scale": self._kept("scale", (channels, 1, 1, 1)),
            "offset": self._kept("offset", (channels,)),
        }

    def multiply_adds(self, *shapes: Shape) -> int:
        return math.prod(shapes[0])

    def _measure(self, images: np.ndarray) -> dict[str, np.ndarray]:
        axes = (0, *range(2, images.ndim))
        scale = 1 / np.maximum(images.std(axis=axes), SMALLEST)
        return {"scale": scale, "offset": -images.mean(axis=axes) * scale}

    def forward(self, build: Builder, stage: Stage) -> None:
        w, b = self.measured(build, stage, "scale"), self.measured(build, stage, "offset")
        params = {"groups": stage.x.shape[1]}
        build.step("conv2d_forward", params, x=stage.x, w=w, b=b, y=build.output(stage))

    def backward(self, build: Builder, stage: Stage) -> None:
        w, dy = self.measured(build, stage, "scale"), stage.dy
        slope, params = build.backward_slope(stage.x)
        params["groups"] = stage.x.shape[1]

        def emit(dx: Any) -> None:
            build.step("conv2d_backward_input", params, dy=dy, w=w, dx=dx, **slope)

        build.add_gradient(stage.x, emit, slope=True)
