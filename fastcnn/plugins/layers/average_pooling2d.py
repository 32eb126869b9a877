"""Mean over windows."""

from typing import Any

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Shape
from fastcnn.engine.options import Padding
from fastcnn.engine.stage import Stage
from fastcnn.plugins.layers.max_pooling2d import Pooling2D
from fastcnn.plugins.registry import layers


@layers.register("average_pooling2d")
class AveragePooling2D(Pooling2D):
    """y[c, i, j] = mean over the window of x[c]. x (C, H, W) -> y (C, OH, OW).

    count_padding: whether padded cells count as zeros in the mean; if not (as in Keras), they are
        left out.
    """

    def __init__(
        self,
        pool_size: int | tuple[int, ...] = 2,
        strides: int | tuple[int, ...] | None = None,
        padding: Padding = "valid",
        count_padding: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(pool_size, strides, padding, name)
        self.count_padding = count_padding

    def window(self, shape: Shape) -> dict[str, Any]:
        return {**super().window(shape), "count_padding": int(self.count_padding)}

    def forward(self, build: Builder, stage: Stage) -> None:
        window = self.window(stage.x.sample)
        build.step("avg_pool2d_forward", window, x=stage.x, y=build.output(stage))

    def backward(self, build: Builder, stage: Stage) -> None:
        slope, params = build.backward_slope(stage.x)
        params |= self.window(stage.x.sample)
        dy = stage.dy
        build.add_gradient(
            stage.x,
            lambda dx: build.step("avg_pool2d_backward", params, dy=dy, dx=dx, **slope),
            slope=True,
        )
