"""Maximum over the whole image."""

from collections.abc import Iterator
from typing import Any

from fastcnn.engine.builder import Builder
from fastcnn.engine.layer import Shape
from fastcnn.engine.stage import Stage
from fastcnn.engine.tensor import Tensor
from fastcnn.kernels.checks import MAX_POOL_CELLS
from fastcnn.kernels.geometry import Pair
from fastcnn.plugins.layers.global_average_pooling2d import GlobalPooling2D
from fastcnn.plugins.registry import layers


def windows_to_one_pixel(height: int, width: int) -> Iterator[Pair]:
    """Windows (height, width) of max pools, one after the other, that leave the largest pixel."""
    while height * width > MAX_POOL_CELLS:
        window = (1, min(width, MAX_POOL_CELLS)) if width > 1 else (MAX_POOL_CELLS, 1)
        yield window
        height, width = -(-height // window[0]), -(-width // window[1])
    yield height, width


@layers.register("global_max_pooling2d")
class GlobalMaxPooling2D(GlobalPooling2D):
    """y[c] = max over all pixels of x[c]. x (channels, height, width) -> y (channels,), or
    (channels, 1, 1) with keepdims."""

    def forward(self, build: Builder, stage: Stage) -> None:
        x, windows = stage.x, list(windows_to_one_pixel(*stage.x.shape[2:4]))
        for k, window in enumerate(windows):
            last = k == len(windows) - 1
            y = build.output(stage) if last else build.tensor(_pooled(x, window))
            y.activation, y.alpha = x.activation, x.alpha  # the largest is still f(some x)
            index = build.buffer(y.shape, "uint8")
            stage.saved |= {f"x_{k}": x, f"index_{k}": index}
            build.step("max_pool2d_forward", _params(window), x=x, y=y, index=index)
            x = y

    def backward(self, build: Builder, stage: Stage) -> None:
        """From the last pool to the first; dy holds the slope of x's activation already."""
        dy: Tensor | None = stage.dy
        windows = list(windows_to_one_pixel(*stage.x.shape[2:4]))
        for k, window in reversed(list(enumerate(windows))):
            x, arguments = stage.saved[f"x_{k}"], {"dy": dy, "index": stage.saved[f"index_{k}"]}
            assert isinstance(x, Tensor)

            def emit(dx: Tensor, window: Pair = window, arguments: Any = arguments) -> None:
                build.step("max_pool2d_backward", _params(window), dx=dx, **arguments)

            build.add_gradient(x, emit, slope=True)
            dy = x.gradient


def _pooled(x: Tensor, window: Pair) -> Shape:
    """Sample shape of a max pool's output; the last windows are cut off by the image's border."""
    _, channels, height, width, _ = x.shape
    return channels, -(-height // window[0]), -(-width // window[1])


def _params(window: Pair) -> dict[str, int]:
    height, width = window
    return {"window_h": height, "window_w": width, "stride_h": height, "stride_w": width}
