"""Random channels to zero while training."""

from fastcnn.engine.layer import Shape
from fastcnn.engine.options import dropout_rate
from fastcnn.errors import ShapeError
from fastcnn.plugins.layers.gaussian_noise import Noise
from fastcnn.plugins.registry import layers


@layers.register("spatial_dropout2d")
class SpatialDropout2D(Noise):
    """Training: y = x / (1 - rate) in whole channels that are kept, each with probability 1 - rate.

    The others are 0, in all pixels of an image; otherwise y = x. Neighbouring pixels tell so much
    of each other that Dropout takes away little (Tompson et al. 2015). Random numbers are keyed as
    Dropout's. x and y are (channels, height, width).
    """

    kernel = "spatial_dropout"

    def __init__(self, rate: float, name: str | None = None) -> None:
        self.rate = dropout_rate(rate)
        self.name = name

    def output_shape(self, *shapes: Shape) -> Shape:
        if len(shapes[0]) != 3:
            raise ShapeError(f"needs images (channels, height, width), not {shapes[0]}")
        return shapes[0]

    def params(self) -> dict[str, float] | None:
        return {"rate": self.rate} if self.rate else None
