"""Sum of two tensors."""

from typing import Any

from fastcnn.engine.activation import activation_option
from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.stage import Stage
from fastcnn.errors import ShapeError
from fastcnn.plugins.registry import layers


@layers.register("add")
class Add(Layer):
    """y = act(x + z), two tensors of one shape (residual connections)."""

    fuses_activation = True

    def __init__(self, activation: Any = None, name: str | None = None) -> None:
        self.activation = activation_option(activation)
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        if len(shapes) != 2 or shapes[0] != shapes[1]:
            raise ShapeError(f"needs two tensors of one shape, not {', '.join(map(str, shapes))}")
        return shapes[0]

    def forward(self, build: Builder, stage: Stage) -> None:
        params = {"activation": stage.activation, "alpha": stage.alpha}
        build.step("add", params, x=stage.xs[0], z=stage.xs[1], y=build.output(stage))

    def backward(self, build: Builder, stage: Stage) -> None:
        dy = stage.dy
        for x in stage.xs:
            if x.activation == "linear" and x.needs_gradient:
                build.accept_gradient(x, dy)
            else:
                build.add_gradient(x, lambda dx: build.step("copy", x=dy, y=dx))
