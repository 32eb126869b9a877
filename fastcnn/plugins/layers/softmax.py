"""Softmax over the features."""

from fastcnn.engine.builder import Builder
from fastcnn.engine.expected import Values
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.stage import Stage
from fastcnn.plugins.registry import layers


@layers.register("softmax")
class Softmax(Layer):
    """y[k] = exp(x[k]) / sum over j of exp(x[j]), over channels (or features).

    Before a cross-entropy loss the plan joins the two: the gradient is then exact and no logarithm
    of a rounded probability is taken.
    """

    output_values = Values(0, 1, sums_to_one=True, relative=True)

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        return shapes[0]

    def forward(self, build: Builder, stage: Stage) -> None:
        build.step("softmax_forward", x=stage.x, y=build.output(stage))

    def backward(self, build: Builder, stage: Stage) -> None:
        y, dy = stage.y, stage.dy
        build.add_gradient(stage.x, lambda dx: build.step("softmax_backward", dy=dy, y=y, dx=dx))
