"""Mean of tensors."""

from fastcnn.engine.builder import Builder
from fastcnn.engine.stage import Stage
from fastcnn.plugins.layers.add import Merge
from fastcnn.plugins.registry import layers


@layers.register("average")
class Average(Merge):
    """y = act((x0 + x1 + ... ) / n), n tensors of one shape."""

    def forward(self, build: Builder, stage: Stage) -> None:
        y = build.output(stage)
        self.chain(build, "add", stage.xs, y)
        build.step("scale", {"factor": 1 / len(stage.xs)}, x=y, y=y)

    def backward(self, build: Builder, stage: Stage) -> None:
        share = build.tensor(stage.y.sample)
        build.step("scale", {"factor": 1 / len(stage.xs)}, x=stage.dy, y=share)
        for x in stage.xs:
            build.pass_gradient(x, share)
