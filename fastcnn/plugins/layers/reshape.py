"""Another shape for the same numbers."""

import math

from fastcnn.engine.builder import Builder
from fastcnn.engine.flat_order import differs, to_channels, to_pixels
from fastcnn.engine.layer import Shape
from fastcnn.engine.stage import Stage
from fastcnn.engine.symbolic import to_channels_first, to_format
from fastcnn.errors import OptionError, ShapeError
from fastcnn.plugins.layers.flatten import Flatten
from fastcnn.plugins.registry import layers


@layers.register("reshape")
class Reshape(Flatten):
    """x -> the same numbers, in the order of the data format, as target_shape.

    target_shape: (height, width, channels), (length, channels) or (features,), with channels first
        where the model has them so; one of them may be -1, which is what is left. (As in Keras.)
    """

    formatted = True

    def __init__(self, target_shape: tuple[int, ...], name: str | None = None) -> None:
        self.target_shape = tuple(target_shape)
        sizes = [n for n in self.target_shape if n != -1]
        if len(self.target_shape) not in (1, 2, 3) or len(self.target_shape) - len(sizes) > 1:
            raise OptionError(
                f"target_shape must have 1 to 3 axes, at most one of them -1, not {target_shape!r}"
            )
        if not all(isinstance(n, int) and n > 0 for n in sizes):
            raise OptionError(f"target_shape must hold positive integers, not {target_shape!r}")
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        numbers, known = math.prod(shapes[0]), -math.prod(self.target_shape)
        open_axis = -1 in self.target_shape
        left = numbers // known if open_axis else 1
        target = tuple(left if n == -1 else n for n in self.target_shape)
        if math.prod(target) != numbers:
            given = to_format(shapes[0], self.tensor_format)
            raise ShapeError(
                f"{given} can't become {self.target_shape}: not the same number of values"
            )
        return to_channels_first(target, self.tensor_format)

    def flattened(self, shape: Shape) -> Shape | None:
        return super().flattened(shape) if len(self.target_shape) == 1 else None

    def _moves(self, sample: Shape, target: Shape) -> tuple[bool, bool]:
        """Whether numbers lie elsewhere in (x, y) than in the order of the data format."""
        if len(target) == 1 or (len(sample) > 1 and sample[0] == target[0]):
            return False, False  # as Flatten; or pixels alone are rearranged
        last = self.tensor_format == "channels_last"
        return last and differs(sample), last and differs(target)

    def forward(self, build: Builder, stage: Stage) -> None:
        sample, target = stage.x.sample, stage.last.shape
        own, others = self._moves(sample, target)
        y = to_pixels(build, stage.x, sample) if own else build.flat(stage.x).tensor
        y = to_channels(build, y, target) if others else y
        y.needs_gradient = stage.x.needs_gradient
        stage.ys = [build.alias(y, target)]

    def backward(self, build: Builder, stage: Stage) -> None:
        if not stage.x.needs_gradient:
            return
        sample, target = stage.x.sample, stage.last.shape
        own, others = self._moves(sample, target)
        if not (own or others):
            super().backward(build, stage)
            return
        dx = to_pixels(build, stage.dy, target) if others else build.flat(stage.dy).tensor
        dx = to_channels(build, dx, sample) if own else dx
        build.pass_gradient(stage.x, build.alias(dx, sample))
