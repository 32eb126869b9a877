"""Axes in another order."""

import numpy as np

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.options import sample_axis
from fastcnn.engine.stage import Stage
from fastcnn.engine.tensor import Tensor, View
from fastcnn.errors import OptionError, ShapeError
from fastcnn.plugins.registry import layers


@layers.register("permute")
class Permute(Layer):
    """y = x with its axes in another order: axis k of y is axis dims[k] of x.

    dims: as in Keras' channels_last, where axes are counted (height, width, channels) or (length,
        channels) from 1; e.g. (2, 1, 3) turns rows into columns, (3, 2, 1) rows into channels.
    """

    keeps_values = True

    def __init__(self, dims: tuple[int, ...], name: str | None = None) -> None:
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise OptionError(f"dims must be the numbers from 1 on in some order, not {dims!r}")
        self.name = name

    def order(self, axes: int) -> tuple[int, ...]:
        """For each axis of our samples (channels, height, width) the one that it comes from."""
        last = (*self.dims[-1:], *self.dims[:-1])  # channels come first here, last in Keras
        return tuple(sample_axis(axis, (0,) * axes) for axis in last)

    def output_shape(self, *shapes: Shape) -> Shape:
        (shape,) = shapes
        if len(shape) != len(self.dims):
            raise ShapeError(f"dims {self.dims} needs {len(self.dims)} axes, not those of {shape}")
        return tuple(shape[axis] for axis in self.order(len(shape)))

    def _turned(self, tensor: Tensor, order: tuple[int, ...]) -> View:
        """tensor with its sample's axes in this order, the other ones where they are."""
        # Samples (channels, length) are images of one row, which stays the third axis.
        places = {1: (1,), 2: (1, 3), 3: (1, 2, 3)}[len(order)]
        full = list(range(5))
        for place, axis in zip(places, order, strict=True):
            full[place] = places[axis]
        return View(tensor, lambda array: array.transpose(full))

    def forward(self, build: Builder, stage: Stage) -> None:
        order = self.order(len(stage.x.sample))
        build.step("copy", x=self._turned(stage.x, order), y=build.output(stage))

    def backward(self, build: Builder, stage: Stage) -> None:
        back = tuple(int(k) for k in np.argsort(self.order(len(stage.x.sample))))
        dy = self._turned(stage.dy, back)
        build.add_gradient(stage.x, lambda dx: build.step("copy", x=dy, y=dx))
