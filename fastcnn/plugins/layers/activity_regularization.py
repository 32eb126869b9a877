"""A penalty on what passes through."""

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.options import number
from fastcnn.engine.stage import Stage
from fastcnn.engine.tensor import Tensor
from fastcnn.plugins.registry import layers


@layers.register("activity_regularization")
class ActivityRegularization(Layer):
    """y = x; l1 sum|x| + l2 sum x^2 of each image, meant over the batch, is added to the loss

    The option activity_regularizer of a layer puts this behind the layer and its activation.
    x and y have one shape.
    """

    any_order = True
    keeps_values = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, name: str | None = None) -> None:
        self.l1 = number("l1", l1, zero=True)
        self.l2 = number("l2", l2, zero=True)
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        return shapes[0]

    def forward(self, build: Builder, stage: Stage) -> None:
        stage.ys = [build.alias(stage.x, stage.last.shape)]
        if build.with_loss:
            out = build.extra_loss()
            build.step("activity_penalty", self._factors, x=stage.x, order=build.order, penalty=out)

    def backward(self, build: Builder, stage: Stage) -> None:
        if not stage.x.needs_gradient:
            return
        build.accept_gradient(stage.x, build.alias(stage.dy, stage.x.sample))

        def emit(dx: Tensor) -> None:
            kernel = "activity_penalty_backward"
            build.step(kernel, self._factors, x=stage.x, order=build.order, dx=dx)

        build.add_gradient(stage.x, emit)

    @property
    def _factors(self) -> dict[str, float]:
        return {"l1": self.l1, "l2": self.l2}
