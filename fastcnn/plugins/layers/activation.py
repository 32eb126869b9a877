"""An activation as a layer of its own."""

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.stage import Stage
from fastcnn.errors import unknown
from fastcnn.kernels.spec import ENUMS
from fastcnn.plugins.registry import layers


@layers.register("activation")
class Activation(Layer):
    """y = f(x), for each number: linear, relu, leaky_relu, sigmoid or tanh.

    The plan fuses it into the layer before it where that layer can take it.
    alpha: slope of leaky_relu below zero.
    """

    is_activation = True

    def __init__(self, function: str, alpha: float = 0.3, name: str | None = None) -> None:
        if function not in ENUMS["activation"]:
            raise unknown("activation", function, [*ENUMS["activation"], "softmax"])
        self.function = function
        self.alpha = float(alpha)
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        return shapes[0]

    def forward(self, build: Builder, stage: Stage) -> None:
        y = build.output(stage)
        y.activation, y.alpha = self.function, self.alpha
        build.step(
            "activation_forward", {"activation": self.function, "alpha": self.alpha}, x=stage.x, y=y
        )

    def backward(self, build: Builder, stage: Stage) -> None:
        # The consumers of y have multiplied by this activation's slope already: its gradient is
        # that of x, but for the slope of the activation that produced x.
        build.pass_gradient(stage.x, stage.dy)
