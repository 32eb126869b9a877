"""Fully connected layer."""

from typing import Any

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Layer, Parameter, Shape
from fastcnn.engine.options import penalty, positive
from fastcnn.engine.stage import Stage
from fastcnn.errors import ShapeError
from fastcnn.plugins.registry import layers


@layers.register("dense")
class Dense(Layer):
    """y = act(w x + b)

    x (features,) -> y (units,); w is (units, features), b (units,). Put a Flatten before it.
    """

    fuses_activation = True

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        name: str | None = None,
    ) -> None:
        self.units = positive("units", units)
        self.activation = activation
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.kernel_regularizer = kernel_regularizer
        self.bias_regularizer = bias_regularizer
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        (shape,) = shapes
        if len(shape) != 1:
            raise ShapeError(f"needs flat input, not {shape}: put a Flatten() before it")
        return (self.units,)

    def parameters(self, *shapes: Shape) -> dict[str, Parameter]:
        fans: dict[str, Any] = {"fan_in": shapes[0][0], "fan_out": self.units}
        shape = (self.units, shapes[0][0])
        penalties = penalty(self.kernel_regularizer)
        kernel = Parameter(shape, self.kernel_initializer, **fans, **penalties, decay=True)
        bias = Parameter(
            (self.units,), self.bias_initializer, **fans, **penalty(self.bias_regularizer)
        )
        return {"kernel": kernel, "bias": bias} if self.use_bias else {"kernel": kernel}

    def multiply_adds(self, *shapes: Shape) -> int:
        return self.units * shapes[0][0]

    def forward(self, build: Builder, stage: Stage) -> None:
        x = build.flat(stage.x)
        w = build.parameter(stage, "kernel")
        b = build.parameter(stage, "bias") if self.use_bias else None
        params = {"activation": stage.activation, "alpha": stage.alpha}
        build.step("dense_forward", params, x=x, w=w, b=b, y=build.flat(build.output(stage)))

    def backward(self, build: Builder, stage: Stage) -> None:
        dy = build.flat(stage.dy)
        w = build.parameter(stage, "kernel")
        dw = build.parameter_gradient(stage, "kernel")
        db = build.parameter_gradient(stage, "bias") if self.use_bias else None
        build.step("dense_backward_weight", x=build.flat(stage.x), dy=dy, dw=dw, db=db)
        slope, params = build.backward_slope(stage.x, build.flat)

        def emit(dx: Any) -> None:
            build.step("dense_backward_input", params, dy=dy, w=w, dx=build.flat(dx), **slope)

        build.add_gradient(stage.x, emit, slope=True)
