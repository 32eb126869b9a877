"""Sum of tensors."""

from itertools import pairwise
from typing import Any

from fastcnn.engine.activation import activation_option
from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.stage import Stage
from fastcnn.engine.tensor import Tensor
from fastcnn.errors import ShapeError
from fastcnn.plugins.registry import layers


class Merge(Layer):
    """What the layers share that make one tensor of two or more of one shape."""

    merges = True

    def __init__(self, activation: Any = None, name: str | None = None) -> None:
        self.activation = activation_option(activation)
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        if len(shapes) < 2 or any(a != b for a, b in pairwise(shapes)):
            got = ", ".join(map(str, shapes))
            raise ShapeError(f"needs two or more tensors of one shape, not {got}")
        return shapes[0]

    def chain(self, build: Builder, kernel: str, xs: list[Tensor], y: Tensor) -> None:
        """y = ((x0 . x1) . x2) ..., for a kernel of x, z and y that ends with y's activation."""
        left = xs[0]
        for k, right in enumerate(xs[1:], 2):
            end = {"activation": y.activation, "alpha": y.alpha} if k == len(xs) else {}
            build.step(kernel, end, x=left, z=right, y=y)
            left = y


@layers.register("add")
class Add(Merge):
    """y = act(x0 + x1 + ...), two or more tensors of one shape (residual connections)."""

    fuses_activation = True
    is_sum = True

    def forward(self, build: Builder, stage: Stage) -> None:
        self.chain(build, "add", stage.xs, build.output(stage))

    def backward(self, build: Builder, stage: Stage) -> None:
        for x in stage.xs:
            build.pass_gradient(x, stage.dy)
