"""Channels in another order, so that grouped convolutions see those of other groups."""

from fastcnn.engine.layer import Layer
from fastcnn.errors import OptionError, ShapeError
from fastcnn.kernels.kit import VW, kernel, load_n, row_at, split_rows, store_n
from fastcnn.plugins.registry import layers

IMAGES = "B C H W L"


@kernel({"x": IMAGES, "y": f"> {IMAGES}"}, {"groups": 1}, strided=("x",))
def channel_shuffle(work, x, y, groups):
    """y[k groups + g] = x[g size + k], size = C / groups. Rows of y are shared out."""
    begin, end = split_rows(y, work)
    channels, height = y.shape[1], y.shape[2]
    size = channels // groups
    n = y.shape[3] * y.shape[4]
    for row in range(begin, end):
        c = row // height % channels
        source = row + ((c % groups) * size + c // groups - c) * height
        p, q = row_at(x, source), row_at(y, row)
        for i in range(0, n, VW):
            store_n(q + i, load_n(p + i, n - i), n - i)


@layers.register("channel_shuffle")
class ChannelShuffle(Layer):
    """y[k groups + g] = x[g size + k], size = channels / groups (Zhang et al. 2018, ShuffleNet)

    x and y (channels, height, width), or sequences or vectors. Raises a ShapeError unless groups
    divides the number of channels.
    """

    def __init__(self, groups: int = 2, name: str | None = None) -> None:
        if isinstance(groups, bool) or not isinstance(groups, int) or groups < 1:
            raise OptionError(f"groups must be a positive integer, not {groups!r}")
        self.groups = groups
        self.name = name

    def output_shape(self, *shapes):
        if shapes[0][0] % self.groups:
            raise ShapeError(f"{shapes[0][0]} channels can't be split into {self.groups} groups")
        return shapes[0]

    def forward(self, build, stage):
        build.step("channel_shuffle", {"groups": self.groups}, x=stage.x, y=build.output(stage))

    def backward(self, build, stage):
        """The way back is the shuffle of as many groups as a group has channels."""
        back = {"groups": stage.x.sample[0] // self.groups}
        build.add_gradient(
            stage.x, lambda dx: build.step("channel_shuffle", back, x=stage.dy, y=dx)
        )
