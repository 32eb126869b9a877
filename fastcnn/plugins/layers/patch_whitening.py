"""A convolution that whitens patches, by the statistics of the training data."""

import math
from typing import Any, ClassVar, Unpack

import numpy as np

from fastcnn.engine.adapting_layer import AdaptingLayer
from fastcnn.engine.builder import Builder
from fastcnn.engine.convolution import Convolution, convolution_of
from fastcnn.engine.layer import Parameter, Shape
from fastcnn.engine.options import Padding, check_image, number, per_axis
from fastcnn.engine.stage import Stage
from fastcnn.engine.weighted_layer import BiasOptions, WeightedLayer
from fastcnn.plugins.registry import layers

CHUNK = 256  # images whose patches are in memory at a time


@layers.register("patch_whitening")
class PatchWhitening(AdaptingLayer, WeightedLayer):
    """y = act(w * x + b): a convolution with the filters +-u_k / sqrt(e_k + epsilon), k = 1, 2, ...

    u_k and e_k are eigenvectors and -values, largest first, of the mean of p p^T over all patches p
    (channels, kernel height, kernel width) of the data given to `adapt`, which should have mean 0.
    The filters do not learn, the bias does. x is (C, H, W), y (2 C kh kw, H - kh + 1, W - kw + 1).
    (Page 2019, myrtle.ai; Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU".)
    """

    options = BiasOptions
    defaults: ClassVar[dict[str, Any]] = {"use_bias": True, "bias_initializer": "zeros"}
    dilation_rate = (1, 1)
    strides = (1, 1)
    padding: Padding = "valid"

    def __init__(
        self,
        kernel_size: int | tuple[int, int] = 2,
        epsilon: float = 5e-4,
        activation: Any = None,
        **options: Unpack[BiasOptions],
    ) -> None:
        super().__init__(activation, **options)
        self.kernel_size = per_axis("kernel_size", kernel_size, 2)
        self.epsilon = number("epsilon", epsilon)

    def _convolution(self, shape: Shape) -> Convolution:
        return convolution_of(self, shape)

    def _patch(self, shape: Shape) -> int:
        """Numbers in a patch of images of this shape."""
        return shape[0] * math.prod(self.kernel_size)

    def output_shape(self, *shapes: Shape) -> Shape:
        return 2 * self._patch(shapes[0]), *self._convolution(shapes[0]).output

    def parameters(self, *shapes: Shape) -> dict[str, Parameter]:
        check_image(shapes[0], 2)
        size = self._patch(shapes[0])
        kernel = self._kept("kernel", (2 * size, shapes[0][0], *self.kernel_size))
        return {
            "kernel": kernel,
            **self.bias_parameter((2 * size,), fan_in=size, fan_out=2 * size),
        }

    def multiply_adds(self, *shapes: Shape) -> int:
        return math.prod(self.output_shape(*shapes)) * self._patch(shapes[0])

    def _measure(self, images: np.ndarray) -> dict[str, np.ndarray]:
        assert self._convolution(images.shape[1:]).output  # or an error: there is no patch
        values, vectors = np.linalg.eigh(self._second_moments(images))
        vectors = vectors.T[::-1]
        largest = np.abs(vectors).argmax(axis=1)[:, None]
        vectors = vectors * np.sign(np.take_along_axis(vectors, largest, axis=1))
        filters = vectors / np.sqrt(np.maximum(values[::-1], 0) + self.epsilon)[:, None]
        kernel = np.concatenate([filters, -filters])
        return {"kernel": kernel.reshape(-1, images.shape[1], *self.kernel_size)}

    def _second_moments(self, images: np.ndarray) -> np.ndarray:
        """The mean of p p^T over all patches p of images (N, C, H, W)."""
        size = self._patch(images.shape[1:])
        total, count = np.zeros((size, size)), 0
        for start in range(0, len(images), CHUNK):
            patches = np.lib.stride_tricks.sliding_window_view(
                images[start : start + CHUNK], self.kernel_size, (2, 3)
            )
            rows = np.moveaxis(patches, 1, 3).reshape(-1, size)
            total += rows.T @ rows
            count += len(rows)
        return total / count

    # ---- kernels

    def forward(self, build: Builder, stage: Stage) -> None:
        w, b = self.measured(build, stage, "kernel"), self.bias(build, stage)
        self._convolution(stage.x.sample).forward(build, stage.x, w, b, build.output(stage))

    def backward(self, build: Builder, stage: Stage) -> None:
        if self.use_bias:
            build.step("bias_backward", dy=stage.dy, db=self.bias_gradient(build, stage))
        w = self.measured(build, stage, "kernel")
        self._convolution(stage.x.sample).backward_input(build, stage.x, stage.dy, w)
