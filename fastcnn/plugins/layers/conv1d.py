"""1-D convolution."""

from typing import ClassVar

from fastcnn.plugins.layers.conv2d import Conv2D
from fastcnn.plugins.registry import layers


@layers.register("conv1d")
class Conv1D(Conv2D):
    """y[k, i] = act(b[k] + sum over c, u of w[k, c, u] x[c, s i + d u - p])

    x (channels, length) -> y (filters, out length), with stride s, dilation d and p zeros before
    the row. w is (filters, channels / groups, kernel size).

    padding: "valid" (none), "same" (out = ceil(in / stride), the odd zero goes to the end),
        "causal" (all zeros before the row, so that y[i] depends on no later x), a number of zeros,
        or (before, after).
    Other options as in Conv2D, of which this is the case of height 1.
    """

    axes: ClassVar[int] = 1
