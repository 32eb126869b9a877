"""Local response normalisation."""

from typing import Any

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Layer, Shape
from fastcnn.engine.options import positive
from fastcnn.engine.stage import Stage
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import layers


@layers.register("local_response_normalization")
class LocalResponseNormalization(Layer):
    """y[c] = x[c] / (k + alpha / size * sum of x[j]^2 over |j - c| <= size / 2)^beta

    Across the channels (or features) of each pixel; size is odd, and channels that do not exist
    count as 0. x and y have one shape. (Krizhevsky, Sutskever and Hinton 2012, who do not divide
    alpha by the size: their 1e-4 is 5e-4 here, as in Caffe, ConvNetJS, PyTorch and ONNX.)
    """

    def __init__(
        self,
        size: int = 5,
        alpha: float = 1e-4,
        beta: float = 0.75,
        k: float = 2.0,
        name: str | None = None,
    ) -> None:
        self.size = positive("size", size)
        self.alpha, self.beta, self.k = float(alpha), float(beta), float(k)
        self.name = name
        if size % 2 == 0:
            raise OptionError(f"size must be odd, not {size}")
        if not self.k > 0 or not self.alpha >= 0:
            raise OptionError(f"k must be positive and alpha not negative, not {k} and {alpha}")

    def output_shape(self, *shapes: Shape) -> Shape:
        return shapes[0]

    def _params(self) -> dict[str, Any]:
        return {"size": self.size, "alpha": self.alpha, "beta": self.beta, "k": self.k}

    def forward(self, build: Builder, stage: Stage) -> None:
        build.step("lrn_forward", self._params(), x=stage.x, y=build.output(stage))

    def backward(self, build: Builder, stage: Stage) -> None:
        x, dy, params = stage.x, stage.dy, self._params()
        build.add_gradient(x, lambda dx: build.step("lrn_backward", params, x=x, dy=dy, dx=dx))
