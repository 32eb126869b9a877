"""Tensors side by side."""

from collections.abc import Iterator
from operator import itemgetter

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Shape
from fastcnn.engine.options import sample_axis
from fastcnn.engine.stage import Stage
from fastcnn.engine.tensor import Tensor, View
from fastcnn.errors import ShapeError
from fastcnn.plugins.layers.add import Merge
from fastcnn.plugins.registry import layers


@layers.register("concatenate")
class Concatenate(Merge):
    """y = the tensors one after the other along an axis, in which alone their shapes may differ.

    axis: as in Keras' channels_last, where axes are (batch, height, width, channels) or (batch,
        length, channels): -1 for the channels (or features), the default; 1 for rows, 2 for columns
        of images.
    """

    def __init__(
        self, axis: int = -1, activation: str | None = None, name: str | None = None
    ) -> None:
        super().__init__(activation, name)
        self.axis = axis

    def output_shape(self, *shapes: Shape) -> Shape:
        axis = sample_axis(self.axis, shapes[0])
        rest = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
        if len(shapes) < 2 or len({len(shape) for shape in shapes}) > 1 or len(rest) > 1:
            got = ", ".join(map(str, shapes))
            raise ShapeError(
                f"needs two or more tensors that differ in axis {axis} only, not {got}"
            )
        total = sum(shape[axis] for shape in shapes)
        return *shapes[0][:axis], total, *shapes[0][axis + 1 :]

    def parts(self, stage: Stage, whole: Tensor) -> Iterator[tuple[Tensor, View]]:
        """Each input with its place in a tensor of the output's shape."""
        sample = stage.x.sample
        axis = sample_axis(self.axis, sample)
        # Samples of fewer axes are images of one row, or pixel.
        full = 1 if axis == 0 else axis + 4 - len(sample)
        begin = 0
        for x in stage.xs:
            end = begin + x.sample[axis]
            where = (slice(None),) * full + (slice(begin, end),)
            yield x, View(whole, itemgetter(where))
            begin = end

    def forward(self, build: Builder, stage: Stage) -> None:
        for x, part in self.parts(stage, build.output(stage)):
            build.step("copy", x=x, y=part)

    def backward(self, build: Builder, stage: Stage) -> None:
        for x, part in self.parts(stage, stage.dy):
            build.pass_gradient(x, part)
