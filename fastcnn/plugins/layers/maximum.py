"""Largest of tensors."""

from fastcnn.engine.builder import Builder
from fastcnn.engine.stage import Stage
from fastcnn.plugins.layers.add import Merge
from fastcnn.plugins.registry import layers


@layers.register("maximum")
class Maximum(Merge):
    """y = act(max(x0, x1, ...)), element by element, of two or more tensors of one shape.

    The gradient goes to the largest, to the first of several that are equal.
    """

    def forward(self, build: Builder, stage: Stage) -> None:
        y, left = build.output(stage), stage.xs[0]
        for k, right in enumerate(stage.xs[1:], 1):
            stage.saved[f"larger_{k}"] = index = build.buffer(y.shape, "uint8")
            build.step("maximum_forward", x=left, z=right, y=y, index=index)
            left = y

    def backward(self, build: Builder, stage: Stage) -> None:
        """From the last comparison to the first: each takes its share out of what is left."""
        left = stage.dy
        for k in range(len(stage.xs) - 1, 0, -1):
            rest, share = build.tensor(stage.y.sample), build.tensor(stage.y.sample)
            index = stage.saved[f"larger_{k}"]
            build.step("maximum_backward", dy=left, index=index, dx=rest, dz=share)
            build.pass_gradient(stage.xs[k], share)
            left = rest
        build.pass_gradient(stage.xs[0], left)
