"""Layers that normalise, and then scale and shift each channel: what they share."""

from typing import Any, ClassVar, TypedDict

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Parameter, Shape
from fastcnn.engine.stage import Stage
from fastcnn.engine.weighted_layer import WeightedLayer
from fastcnn.errors import OptionError


class AffineOptions(TypedDict, total=False):
    """center: learn a shift beta; scale: learn a factor gamma; for each channel or feature."""

    center: bool
    scale: bool
    beta_initializer: Any
    gamma_initializer: Any
    beta_regularizer: Any
    gamma_regularizer: Any
    beta_constraint: Any
    gamma_constraint: Any
    name: str | None


class NormalizationLayer(WeightedLayer):
    """y = act(gamma normal(x) + beta). x and y have one shape."""

    options = AffineOptions
    defaults: ClassVar[dict[str, Any]] = {
        "center": True,
        "scale": True,
        "beta_initializer": "zeros",
        "gamma_initializer": "ones",
    }
    undecayed = ("gamma", "beta")
    center: bool
    scale: bool

    def __init__(self, epsilon: float, **options: Any) -> None:
        super().__init__(None, **options)
        self.epsilon = float(epsilon)
        if not self.epsilon > 0:
            raise OptionError(f"epsilon must be positive, not {epsilon}")

    def output_shape(self, *shapes: Shape) -> Shape:
        return shapes[0]

    def _affine(self) -> list[str]:
        return [n for n, wanted in (("gamma", self.scale), ("beta", self.center)) if wanted]

    def parameters(self, *shapes: Shape) -> dict[str, Parameter]:
        fans = {"fan_in": 1, "fan_out": 1}
        return {name: self.weight(name, shapes[0][:1], **fans) for name in self._affine()}

    # ---- arrays of a plan

    def learned(self, build: Builder, stage: Stage) -> dict[str, Any]:
        """gamma and beta, those there are."""
        return {name: build.parameter(stage, name) for name in self._affine()}

    def learned_gradients(self, build: Builder, stage: Stage) -> dict[str, Any]:
        """dgamma and dbeta, those there are."""
        return {f"d{name}": build.parameter_gradient(stage, name) for name in self._affine()}


class PerImageNormalization(NormalizationLayer):
    """Statistics within each image: training and prediction are the same."""

    kernel: str  # its three kernels are named <kernel>_forward, _backward_input, _backward_weight

    def own_params(self, shape: Shape) -> dict[str, Any]:
        """Parameters that all three kernels take."""
        return {}

    def statistics_shape(self, stage: Stage) -> tuple[int, ...]:
        """Of the mean, and of 1 / sqrt(var + epsilon)."""
        raise NotImplementedError

    def forward(self, build: Builder, stage: Stage) -> None:
        params = {"activation": stage.activation, "alpha": stage.alpha, "epsilon": self.epsilon}
        params |= self.own_params(stage.x.sample)
        arguments = {"x": stage.x, "y": build.output(stage), **self.learned(build, stage)}
        if build.training:
            shape = self.statistics_shape(stage)
            stage.saved |= {name: build.buffer(shape) for name in ("mean", "inv_std")}
        build.step(f"{self.kernel}_forward", params, **arguments, **stage.saved)

    def backward(self, build: Builder, stage: Stage) -> None:
        params = self.own_params(stage.x.sample)
        arguments: dict[str, Any] = {"dy": stage.dy, "x": stage.x, **stage.saved}
        gradients = self.learned_gradients(build, stage)
        if gradients:
            build.step(f"{self.kernel}_backward_weight", params, **arguments, **gradients)
        gamma = {"gamma": build.parameter(stage, "gamma")} if self.scale else {}
        build.add_gradient(
            stage.x,
            lambda dx: build.step(
                f"{self.kernel}_backward_input", params, dx=dx, **arguments, **gamma
            ),
        )
