"""Random numbers added while training."""

from typing import Any

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.stage import Stage
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import layers


class Noise(Layer):
    """Training: a kernel of (x, seed, step, layer); otherwise y = x. x and y have one shape.

    The random numbers are keyed as those of Dropout.
    """

    kernel: str
    keeps_scale = True

    def output_shape(self, *shapes: Shape) -> Shape:
        return shapes[0]

    def params(self) -> dict[str, float] | None:
        """Of the kernel; None if it would change nothing."""
        raise NotImplementedError

    def gradient_params(self) -> dict[str, float] | None:
        """With which the kernel makes dx of dy; None if dx = dy."""
        return self.params()

    def _emit(self, build: Builder, stage: Stage, params: Any, x: Any, y: Any) -> None:
        build.step(self.kernel, {**params, "layer": stage.number}, x=x, y=y, state=build.state)

    def forward(self, build: Builder, stage: Stage) -> None:
        params = self.params()
        if not build.training or params is None:
            stage.ys = [stage.x]
        else:
            self._emit(build, stage, params, stage.x, build.output(stage))

    def backward(self, build: Builder, stage: Stage) -> None:
        if self.params() is None:
            return
        x, dy, params = stage.x, stage.dy, self.gradient_params()
        if params is not None:
            build.add_gradient(x, lambda dx: self._emit(build, stage, params, dy, dx))
        else:
            build.pass_gradient(x, dy)


@layers.register("gaussian_noise")
class GaussianNoise(Noise):
    """Training: y = x + stddev n, n normal with mean 0 and variance 1. Otherwise y = x.

    (Bishop 1995.) The random numbers are keyed as those of Dropout.
    """

    kernel = "gaussian_noise"
    any_order = True

    def __init__(self, stddev: float, name: str | None = None) -> None:
        self.stddev = float(stddev)
        self.name = name
        if not self.stddev >= 0:
            raise OptionError(f"stddev must not be negative, not {stddev}")

    def params(self) -> dict[str, float] | None:
        return {"stddev": self.stddev} if self.stddev else None

    def gradient_params(self) -> None:
        return None
