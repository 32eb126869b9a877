"""An activation as a layer of its own."""

from typing import Any

from fastcnn.engine.activation import Elementwise, make_activation
from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.stage import Stage
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import layers


@layers.register("activation")
class Activation(Layer):
    """y = f(x), for each number. x and y have one shape.

    activation: a name, {"name": ..., option: ...} or an object of fastcnn.activations.
    The plan fuses it into the layer before it where that layer can take it.
    """

    is_activation = True
    any_order = True

    def __init__(self, activation: Any, name: str | None = None) -> None:
        function = make_activation(activation)
        if not isinstance(function, Elementwise):
            own = type(function.layer()).__name__
            raise OptionError(f"{activation!r} looks at several numbers: use the layer {own}()")
        self.activation = activation
        self.function = function
        self.output_values = function.output_values
        self.keeps_scale = function.registered_name == "linear"
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        return shapes[0]

    def forward(self, build: Builder, stage: Stage) -> None:
        y, kernels = build.output(stage), self.function.kernels()
        if self.function.fusable:
            y.activation, y.alpha = self.function.code, self.function.alpha
        build.step(kernels.forward, kernels.params, x=stage.x, y=y)

    def backward(self, build: Builder, stage: Stage) -> None:
        x, dy, kernels = stage.x, stage.dy, self.function.kernels()
        if not self.function.fusable:
            build.add_gradient(
                x, lambda dx: build.step(kernels.backward, kernels.params, dy=dy, x=x, dx=dx)
            )
            return
        # The consumers of y have multiplied by this activation's slope already: its gradient is
        # that of x, but for the slope of the activation that produced x.
        build.pass_gradient(x, dy)
