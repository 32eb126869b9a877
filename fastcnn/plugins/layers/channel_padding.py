"""Channels of zeros."""

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.stage import Stage
from fastcnn.engine.tensor import Tensor, View
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import layers


@layers.register("channel_padding")
class ChannelPadding(Layer):
    """y = x with channels (or features) of zeros before and after its own.

    x (channels, ...) -> y (before + channels + after, ...). padding: a number for both sides, or
    (before, after). The shortcut without parameters of residual nets (He et al. 2016, option A).
    """

    keeps_scale = True

    def __init__(self, padding: int | tuple[int, int], name: str | None = None) -> None:
        sides = (padding, padding) if isinstance(padding, int) else tuple(padding)
        if len(sides) != 2 or not all(isinstance(n, int) and n >= 0 for n in sides):
            raise OptionError(f"padding must be a number of channels or two, not {padding!r}")
        self.padding = sides
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        channels, *pixels = shapes[0]
        return (sum(self.padding) + channels, *pixels)

    def _own(self, tensor: Tensor) -> View:
        before, after = self.padding
        return View(tensor, lambda a: a[:, before : a.shape[1] - after])

    def forward(self, build: Builder, stage: Stage) -> None:
        y = build.output(stage)
        y.framed = True
        build.step("copy", x=stage.x, y=self._own(y))

    def backward(self, build: Builder, stage: Stage) -> None:
        build.pass_gradient(stage.x, self._own(stage.dy))
