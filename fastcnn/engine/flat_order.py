"""The order of the numbers of a flattened image: rows of pixels, as Keras has it, or our channels.

Memory holds a channel after the other. In a channels_last model a flattened image must read pixel
after pixel (height, width, channels), but moving the numbers takes time, and a dense layer does
not care: the columns of its kernel then lie in the order of memory (`Layer.columns`), and are
handed out and taken in the order of the data format (`columns_out`, `columns_in`). So Flatten
moves nothing, its node says how its numbers lie (`Node.flattened`), and the graph puts a FlatOrder
before whoever does care.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.tensor import Tensor, View
from fastcnn.errors import ShapeError

if TYPE_CHECKING:
    from fastcnn.engine.builder import Builder
    from fastcnn.engine.stage import Stage


def differs(sample: Shape) -> bool:
    """Whether channels slowest and channels fastest are two orders of a sample (C, ...)."""
    return 1 not in (sample[0], math.prod(sample[1:]))


def image_of(sample: Shape) -> tuple[int, int, int]:
    """(channels, height, width); sequences are images of one row."""
    channels, *pixels = sample
    height, width = (1, *pixels)[-2:]
    return channels, height, width


def pixels_slowest(tensor: Tensor, sample: Shape) -> View:
    """(B, H, W, C, L) of a tensor whose memory is (B, C, H, W, L)."""
    return View(tensor, _turned(image_of(sample), (0, 2, 3, 1, 4)))


def channels_slowest(tensor: Tensor, sample: Shape) -> View:
    """(B, C, H, W, L) of a tensor whose memory is (B, H, W, C, L)."""
    channels, height, width = image_of(sample)
    return View(tensor, _turned((height, width, channels), (0, 3, 1, 2, 4)))


def _turned(
    shape: tuple[int, int, int], axes: tuple[int, ...]
) -> Callable[[np.ndarray], np.ndarray]:
    def turn(array: np.ndarray) -> np.ndarray:
        return array.reshape(array.shape[0], *shape, array.shape[-1]).transpose(axes)

    return turn


def to_pixels(build: "Builder", x: Tensor, sample: Shape) -> Tensor:
    """A copy of x (C, H, W) in the order (H, W, C)."""
    channels, height, width = image_of(sample)
    made = build.tensor((height, width, channels))
    build.step("copy", x=pixels_slowest(x, sample), y=made)
    return made


def to_channels(build: "Builder", x: Tensor, sample: Shape) -> Tensor:
    """A copy of x, whose memory is (H, W, C), as (C, H, W)."""
    made = build.tensor(image_of(sample))
    build.step("copy", x=channels_slowest(x, sample), y=made)
    return made


def columns_out(kernel: np.ndarray, image: Shape) -> np.ndarray:
    """(units, features) in the order of memory -> a copy, its columns pixel after pixel."""
    by_pixel = kernel.reshape(len(kernel), *image_of(image)).transpose(0, 2, 3, 1)
    return by_pixel.reshape(kernel.shape)


def columns_in(kernel: np.ndarray, image: Shape) -> np.ndarray:
    """What `columns_out` gave, in the order of memory."""
    channels, height, width = image_of(image)
    by_pixel = kernel.reshape(len(kernel), height, width, channels)
    return by_pixel.transpose(0, 3, 1, 2).reshape(kernel.shape)


class FlatOrder(Layer):
    """(features,) of a flattened image in the one order -> in the other; the graph puts it in."""

    registered_name = "flat_order"
    is_hidden = True
    keeps_values = True

    def __init__(self, image: Shape, to_memory: bool) -> None:
        """image: (C, H, W) that was flattened. to_memory: from pixels slowest to channels."""
        self.image, self.to_memory = image, to_memory

    def output_shape(self, *shapes: Shape) -> Shape:
        if math.prod(shapes[0]) != math.prod(self.image):
            raise ShapeError(f"needs {math.prod(self.image)} features, not {shapes[0]}")
        return shapes[0]

    def forward(self, build: "Builder", stage: "Stage") -> None:
        turn = to_channels if self.to_memory else to_pixels
        made = turn(build, build.flat(stage.x).tensor, self.image)
        made.needs_gradient = stage.x.needs_gradient
        stage.ys = [build.alias(made, stage.last.shape)]

    def backward(self, build: "Builder", stage: "Stage") -> None:
        if stage.x.needs_gradient:
            turn = to_pixels if self.to_memory else to_channels
            made = turn(build, build.flat(stage.dy).tensor, self.image)
            build.pass_gradient(stage.x, build.alias(made, stage.x.sample))
