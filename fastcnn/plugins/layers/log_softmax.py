"""Logarithm of the softmax over the features."""

from fastcnn.engine.builder import Builder
from fastcnn.engine.expected import Values
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.stage import Stage
from fastcnn.plugins.registry import layers


@layers.register("log_softmax")
class LogSoftmax(Layer):
    """y[k] = x[k] - log(sum over j of exp(x[j])), over channels (or features).

    No logarithm of a rounded probability is taken, so small probabilities keep their digits.
    """

    output_values = Values(high=0, relative=True)

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        return shapes[0]

    def forward(self, build: Builder, stage: Stage) -> None:
        build.step("log_softmax_forward", x=stage.x, y=build.output(stage))

    def backward(self, build: Builder, stage: Stage) -> None:
        y, dy = stage.y, stage.dy
        build.add_gradient(
            stage.x, lambda dx: build.step("log_softmax_backward", dy=dy, y=y, dx=dx)
        )
