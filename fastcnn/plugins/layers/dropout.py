"""Random zeros while training."""

from typing import Any

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.options import dropout_rate
from fastcnn.engine.stage import Stage
from fastcnn.plugins.registry import layers


@layers.register("dropout")
class Dropout(Layer):
    """Training: y = x / (1 - rate) with probability 1 - rate, else 0. Otherwise y = x.

    (Srivastava et al. 2014.) The random numbers are keyed by the model's seed, the training step,
    the place in the batch and the layer, so they do not depend on the number of threads or on a
    resumed run.
    """

    any_order = True
    keeps_scale = True

    def __init__(self, rate: float, name: str | None = None) -> None:
        self.rate = dropout_rate(rate)
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        return shapes[0]

    def forward(self, build: Builder, stage: Stage) -> None:
        if not build.training or self.rate == 0:
            stage.ys = [stage.x]
            return
        y = build.output(stage)
        stage.saved["mask"] = mask = build.buffer(y.shape[:4], "uint16")
        params = {"rate": self.rate, "layer": stage.number}
        build.step("dropout_forward", params, x=stage.x, y=y, mask=mask, state=build.state)

    def backward(self, build: Builder, stage: Stage) -> None:
        if self.rate == 0:
            return
        slope, params = build.backward_slope(stage.x)
        params["rate"] = self.rate
        arguments: dict[str, Any] = {"dy": stage.dy, "mask": stage.saved["mask"], **slope}
        build.add_gradient(
            stage.x,
            lambda dx: build.step("dropout_backward", params, dx=dx, **arguments),
            slope=True,
        )
