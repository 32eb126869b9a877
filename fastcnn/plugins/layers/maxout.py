"""Maximum over groups of linear units."""

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.options import positive
from fastcnn.engine.stage import Stage
from fastcnn.errors import OptionError, ShapeError
from fastcnn.plugins.registry import layers


@layers.register("maxout")
class Maxout(Layer):
    """y[k] = max over j < pool of x[pool k + j]: of each `pool` neighbouring channels or features

    x (pool * channels, height, width) or (pool * units,) -> y with a pool-th of them. As
    activation of a Dense or Conv2D, that layer gets pool times the units. (Goodfellow et al. 2013.)
    """

    def __init__(self, pool: int = 2, name: str | None = None) -> None:
        self.pool = positive("pool", pool)
        if pool > 256:
            raise OptionError(f"pool is at most 256, not {pool}")
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        channels, *pixels = shapes[0]
        if channels % self.pool:
            raise ShapeError(f"{channels} channels can't be split into groups of {self.pool}")
        return (channels // self.pool, *pixels)

    def forward(self, build: Builder, stage: Stage) -> None:
        y = build.output(stage)
        # The largest y is still f(some x): see MaxPooling2D.
        y.activation, y.alpha = stage.x.activation, stage.x.alpha
        index = build.buffer(y.shape, "uint8") if build.training else None
        if index is not None:
            stage.saved["index"] = index
        build.step("maxout_forward", {"pool": self.pool}, x=stage.x, y=y, index=index)

    def backward(self, build: Builder, stage: Stage) -> None:
        dy, index = stage.dy, stage.saved["index"]
        params = {"pool": self.pool}
        build.add_gradient(
            stage.x,
            lambda dx: build.step("maxout_backward", params, dy=dy, index=index, dx=dx),
            slope=True,
        )
