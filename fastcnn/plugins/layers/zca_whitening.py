"""Whitened images: no pixel can be foretold from the others."""

import math
from typing import Any

import numpy as np

from fastcnn.engine.adapting_layer import AdaptingLayer
from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Parameter, Shape
from fastcnn.engine.stage import Stage
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import layers


@layers.register("zca_whitening")
class ZCAWhitening(AdaptingLayer):
    """y = W (x - mean), W = U diag(1 / sqrt(e + epsilon)) U^T, x flattened.

    U and e are eigenvectors and -values of the covariance of the data given to `adapt`: y has
    almost the identity as covariance and still looks like x. (Bell and Sejnowski 1997; Krizhevsky
    2009.) W has (pixels x channels)^2 numbers: 38 MB for 32x32 RGB images.
    """

    def __init__(self, epsilon: float = 1e-2, name: str | None = None) -> None:
        if not epsilon > 0:
            raise OptionError(f"epsilon must be positive, not {epsilon}")
        self.epsilon = float(epsilon)
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        return shapes[0]

    def parameters(self, *shapes: Shape) -> dict[str, Parameter]:
        size = math.prod(shapes[0])
        return {"kernel": self._kept("kernel", (size, size)), "bias": self._kept("bias", (size,))}

    def multiply_adds(self, *shapes: Shape) -> int:
        return math.prod(shapes[0]) ** 2

    def _measure(self, images: np.ndarray) -> dict[str, np.ndarray]:
        rows = images.reshape(len(images), -1)
        mean = rows.mean(axis=0)
        centred = rows - mean
        values, vectors = np.linalg.eigh(centred.T @ centred / len(rows))
        scaled = vectors / np.sqrt(np.maximum(values, 0) + self.epsilon)
        kernel = scaled @ vectors.T
        return {"kernel": kernel, "bias": -kernel @ mean}

    def forward(self, build: Builder, stage: Stage) -> None:
        w, b = self.measured(build, stage, "kernel"), self.measured(build, stage, "bias")
        y = build.output(stage)
        build.step("dense_forward", x=build.flat(stage.x), w=w, b=b, y=build.flat(y))

    def backward(self, build: Builder, stage: Stage) -> None:
        w, dy = self.measured(build, stage, "kernel"), build.flat(stage.dy)
        slope, params = build.backward_slope(stage.x, build.flat)

        def emit(dx: Any) -> None:
            build.step("dense_backward_input", params, dy=dy, w=w, dx=build.flat(dx), **slope)

        build.add_gradient(stage.x, emit, slope=True)
