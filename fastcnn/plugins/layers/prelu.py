"""Rectified linear unit with learned slopes."""

from typing import Any, ClassVar, TypedDict, Unpack

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Parameter, Shape
from fastcnn.engine.stage import Stage
from fastcnn.engine.weighted_layer import WeightedLayer
from fastcnn.errors import OptionError, ShapeError
from fastcnn.plugins.registry import layers


class SlopeOptions(TypedDict, total=False):
    """An initializer, regularizer or constraint is a name, a table {"name": ...} or an object."""

    alpha_initializer: Any
    alpha_regularizer: Any
    alpha_constraint: Any
    name: str | None


@layers.register("prelu")
class PReLU(WeightedLayer):
    """y = x where x > 0, else alpha x; alpha is learned (He et al. 2015)

    One alpha for each number of a sample, but for shared_axes: of images 1 is the height, 2 the
    width, 3 the channels (Keras' numbers); of sequences 1 is the length, 2 the channels; of
    features 1 is the only axis. shared_axes=(1, 2) gives one for each channel of an image. x and y
    have one shape.
    """

    options = SlopeOptions
    defaults: ClassVar[dict[str, Any]] = {"alpha_initializer": "zeros"}
    undecayed = ("alpha",)
    fuses_activation = False

    def __init__(
        self, shared_axes: tuple[int, ...] | None = None, **options: Unpack[SlopeOptions]
    ) -> None:
        super().__init__(None, **options)
        self.shared_axes = None if shared_axes is None else tuple(shared_axes)
        if not set(self.shared_axes or ()) <= {1, 2, 3}:
            raise OptionError(f"shared_axes are numbers of axes, 1 to 3, not {shared_axes!r}")

    def output_shape(self, *shapes: Shape) -> Shape:
        if max(self.shared_axes or (1,)) > len(shapes[0]):
            raise ShapeError(f"{shapes[0]} has no axis {max(self.shared_axes or ())} to share")
        return shapes[0]

    def _slopes(self, shape: Shape) -> tuple[int, ...]:
        """(channels, height, width), 1 where they are shared."""
        numbers = (len(shape), *range(1, len(shape)))  # of the axes of (channels, ...)
        shared = self.shared_axes or ()
        sizes = (1 if k in shared else n for k, n in zip(numbers, shape, strict=True))
        channels, *pixels = sizes
        return (channels, *(1, 1, *pixels)[-2:])

    def parameters(self, *shapes: Shape) -> dict[str, Parameter]:
        return {"alpha": self.weight("alpha", self._slopes(shapes[0]), fan_in=1, fan_out=1)}

    def forward(self, build: Builder, stage: Stage) -> None:
        alpha = build.parameter(stage, "alpha")
        build.step("prelu_forward", x=stage.x, alpha=alpha, y=build.output(stage))

    def backward(self, build: Builder, stage: Stage) -> None:
        x, dy, alpha = stage.x, stage.dy, build.parameter(stage, "alpha")
        dalpha = build.parameter_gradient(stage, "alpha")
        build.step("prelu_backward_weight", dy=dy, x=x, dalpha=dalpha)
        build.add_gradient(
            x, lambda dx: build.step("prelu_backward_input", dy=dy, x=x, alpha=alpha, dx=dx)
        )
