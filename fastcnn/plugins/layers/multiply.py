"""Product of tensors."""

from fastcnn.engine.builder import Builder
from fastcnn.engine.stage import Stage
from fastcnn.engine.tensor import Tensor
from fastcnn.plugins.layers.add import Merge
from fastcnn.plugins.registry import layers


@layers.register("multiply")
class Multiply(Merge):
    """y = act(x0 x1 ...), element by element, of two or more tensors of one shape."""

    fuses_activation = True

    def forward(self, build: Builder, stage: Stage) -> None:
        self.chain(build, "multiply", stage.xs, build.output(stage))

    def backward(self, build: Builder, stage: Stage) -> None:
        """The gradient of one factor is dy times all the others."""
        for k, x in enumerate(stage.xs):
            others = stage.xs[:k] + stage.xs[k + 1 :]

            def emit(dx: Tensor, others: list[Tensor] = others) -> None:
                self.chain(build, "multiply", [stage.dy, *others], dx)

            build.add_gradient(x, emit)
