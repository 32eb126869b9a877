"""Batch normalisation."""

from typing import Any, Unpack

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Parameter, Shape
from fastcnn.engine.normalization_layer import AffineOptions, NormalizationLayer
from fastcnn.engine.stage import Stage
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import layers


@layers.register("batch_normalization")
class BatchNormalization(NormalizationLayer):
    """y = act(gamma (x - mean) / sqrt(var + epsilon) + beta), for each channel.

    Training: mean and biased variance of the batch over images and pixels; the moving averages
    become momentum * old + (1 - momentum) * batch. Otherwise the moving averages are used. x and y
    have one shape. (Ioffe and Szegedy 2015.) A frozen layer (trainable = False) uses the moving
    averages in training, too.
    """

    fuses_sum = True
    finds_slope = True

    def __init__(
        self, momentum: float = 0.99, epsilon: float = 1e-3, **options: Unpack[AffineOptions]
    ) -> None:
        super().__init__(epsilon, **options)
        self.momentum = float(momentum)
        if not 0 <= self.momentum <= 1:
            raise OptionError(f"momentum lies in [0, 1], not {momentum}")

    def parameters(self, *shapes: Shape) -> dict[str, Parameter]:
        shape = shapes[0][:1]
        return super().parameters(*shapes) | {
            "moving_mean": Parameter(shape, "zeros", trainable=False),
            "moving_var": Parameter(shape, "ones", trainable=False),
        }

    def forward(self, build: Builder, stage: Stage) -> None:
        params: dict[str, Any] = {"epsilon": self.epsilon, "momentum": self.momentum}
        params |= {"activation": stage.activation, "alpha": stage.alpha}
        arguments: dict[str, Any] = self.learned(build, stage) | {
            name: build.parameter(stage, name) for name in ("moving_mean", "moving_var")
        }
        y = build.output(stage)
        arguments |= {"x": stage.x, "y": y, "z": stage.xs[1] if stage.addend else None}
        if not build.training or build.is_frozen(stage):
            build.step("batch_norm_inference", params, **arguments)
            return
        if not stage.addend:
            y.activation = "linear"  # batch_norm_backward makes the activation's input again
        channels = stage.x.shape[1:2]
        stage.saved |= {name: build.buffer(channels, "float64") for name in ("mean", "inv_std")}
        build.step("batch_norm_forward", params, order=build.order, **arguments, **stage.saved)

    def backward(self, build: Builder, stage: Stage) -> None:
        if stage.addend:
            build.pass_gradient(stage.xs[1], stage.dy)
        if build.is_frozen(stage):
            self._backward_frozen(build, stage)
            return
        arguments: dict[str, Any] = {"x": stage.x, "dy": stage.dy, "order": build.order}
        arguments |= stage.saved | self.learned(build, stage)
        arguments |= self.learned_gradients(build, stage)
        params = {} if stage.addend else {"activation": stage.activation, "alpha": stage.alpha}
        if stage.x.needs_gradient:
            build.add_gradient(
                stage.x, lambda dx: build.step("batch_norm_backward", params, dx=dx, **arguments)
            )
        else:
            unused = build.tensor(stage.x.sample)
            build.step("batch_norm_backward", params, dx=unused, **arguments)

    def _backward_frozen(self, build: Builder, stage: Stage) -> None:
        """dx = gamma dy / sqrt(moving_var + epsilon): the forward map without mean and beta."""
        names = ("gamma", "moving_var") if self.scale else ("moving_var",)
        arguments: dict[str, Any] = {name: build.parameter(stage, name) for name in names}
        arguments["moving_mean"] = build.array(stage.x.shape[1:2], build.dtype, 0)
        arguments["x"], params = stage.dy, {"epsilon": self.epsilon, "activation": "linear"}
        build.add_gradient(
            stage.x, lambda dx: build.step("batch_norm_inference", params, y=dx, **arguments)
        )
