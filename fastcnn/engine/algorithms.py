"""How a convolution is computed: for each direction the first of `ALGORITHMS` that accepts it.

Those that round to bf16 accept nothing unless the model asks for it.

Chosen when the plan is compiled, from shapes alone: not from the number of threads, so that bits do
not depend on it.
"""

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastcnn.kernels.geometry import Pair
from fastcnn.kernels.spec import OPS

if TYPE_CHECKING:
    from fastcnn.engine.builder import Builder
    from fastcnn.engine.convolution import Convolution

VECTOR = 16  # lanes
Arrays = dict[str, Any]
Params = dict[str, Any]


class Algorithm(ABC):
    """Appends the kernels of one direction. arrays: as in the rows of the direct kernels; those of
    a convolution that is followed by a 2x2 max pool have an index."""

    adds = False  # its input gradient can take in one from elsewhere, z

    @abstractmethod
    def accepts(
        self, build: "Builder", conv: "Convolution", direction: str, channels: int, filters: int
    ) -> bool:
        """Whether it can do this and pays. direction: forward, backward_input, backward_weight, or
        max_pool_backward_weight, where the gradient is there before and after unpooling."""

    @abstractmethod
    def emit(
        self, build: "Builder", conv: "Convolution", direction: str, arrays: Arrays, act: Params
    ) -> None:
        """act: parameters of the activation."""


def kernel_name(family: str, direction: str, arrays: Arrays) -> str:
    return f"{family}{'_max_pool' if 'index' in arrays else ''}_{direction}"


class Direct(Algorithm):
    """Every tap a multiplication: csrc/conv2d_impl.h. Reads borders of zeros from memory."""

    def accepts(
        self, build: "Builder", conv: "Convolution", direction: str, channels: int, filters: int
    ) -> bool:
        return True

    def emit(
        self, build: "Builder", conv: "Convolution", direction: str, arrays: Arrays, act: Params
    ) -> None:
        back = direction == "backward_input"
        read, params = ("dy", conv.backward_params) if back else ("x", conv.forward_params)
        border = conv.halo if back else conv.pads
        arrays = {**arrays, read: build.padded(arrays[read], border)}
        name = kernel_name(self.family(arrays), direction, arrays)
        build.step(name, {**params, **act}, **arrays)

    def family(self, arrays: Arrays) -> str:
        """Of kernels."""
        return "conv2d"


class DirectBf16(Direct):
    """The same with factors rounded to bf16: csrc/conv2d_bf16_impl.h."""

    # In multiply-adds for each output pixel: what rounding a number takes that goes into the sums,
    # and what each of the outputs takes beside its sums; and how many times fewer there must be
    # than in float32. Fitted to benchmarks/convolutions.py on Zen 5.
    ROUNDING, OUTPUT = 4, 10
    LEAST_GAIN = 1.25

    def accepts(
        self, build: "Builder", conv: "Convolution", direction: str, channels: int, filters: int
    ) -> bool:
        fits = build.lanes == 16 and conv.groups == 1 and not direction.startswith("max_pool")
        if build.precision != "bf16" or not fits:
            return False
        if direction == "backward_input":
            channels, filters = filters, channels
        depth = channels * conv.area
        rounded = depth * filters / 2 + self.ROUNDING * depth + self.OUTPUT * filters
        return depth * filters / rounded > self.LEAST_GAIN

    def family(self, arrays: Arrays) -> str:
        return "conv2d" if "index" in arrays else "conv2d_bf16"  # pooled at once, which saves more


class Winograd(Algorithm):
    """4 (3x3) or 2.8 (5x5) times fewer multiplications, and transforms: csrc/winograd_impl.h.

    Tiles that reach beyond the image are completed with zeros: no halo is needed."""

    FAMILY = "winograd"  # of kernels
    adds = True
    SIDE = 6  # of a tile of inputs
    # In multiply-adds: what transforming a tile costs for each channel and filter, and what packing
    # a kernel's weights costs; and how many times fewer there must be than by direct convolution.
    # Fitted to benchmarks/convolutions.py on Zen 5.
    TRANSFORM: ClassVar = {"forward": 200, "input": 200, "weight": 400}
    PACKING = 150  # in training: for predictions, weights are packed once
    LEAST_GAIN = 1.5
    LEAST_POOLED_GAIN = 2.0  # direct convolution skips zeros of unpooled gradients
    LEAST_TILES = 4  # of images that lie alone: below, the time goes into reading the weights

    def accepts(
        self, build: "Builder", conv: "Convolution", direction: str, channels: int, filters: int
    ) -> bool:
        made = OPS["winograd_forward"].made_by(build.backend)
        fits = conv.is_plain and conv.kernel in ((3, 3), (5, 5))
        if not (build.winograd and made and fits and self._takes_lanes(build, conv, direction)):
            return False
        size = conv.size if direction == "backward_input" else conv.output
        transform = self.TRANSFORM[direction.rpartition("_")[2]]
        packing = self.PACKING if build.training else 0
        gain = self._gain(conv.kernel[0], size, channels, filters, build.blocks, transform, packing)
        pooled = direction.startswith("max_pool")
        return gain > (self.LEAST_POOLED_GAIN if pooled else self.LEAST_GAIN)

    def _takes_lanes(self, build: "Builder", conv: "Convolution", direction: str) -> bool:
        """Blocks of 16 images, or single ones in predictions."""
        if build.lanes != 1 or build.training or direction != "forward":
            return build.lanes == 16
        return build.blocks * self._tiles(conv.kernel[0], conv.output) >= self.LEAST_TILES

    def _tiles(self, kernel: int, size: Pair) -> int:
        side = self.SIDE + 1 - kernel
        return -(-size[0] // side) * -(-size[1] // side)

    def _gain(
        self,
        kernel: int,
        size: Pair,
        channels: int,
        filters: int,
        blocks: int,
        transform: int,
        packing: int,
    ) -> float:
        """Multiply-adds of direct convolution over those of Winograd's, for `size` outputs."""
        tiles = blocks * self._tiles(kernel, size)
        product = channels * filters
        tile = self.SIDE**2 * product + transform * (channels + filters)
        direct = blocks * size[0] * size[1] * kernel**2 * product
        return direct / (tiles * tile + packing * product)

    def emit(
        self, build: "Builder", conv: "Convolution", direction: str, arrays: Arrays, act: Params
    ) -> None:
        pads = {"pad_top": conv.pads[0], "pad_left": conv.pads[2]}
        if direction == "backward_weight":
            tiles = build.blocks * self._tiles(conv.kernel[0], conv.output)
            self._emit_weight(build, tiles, {"kernel": conv.kernel[0], **pads}, **arrays)
        else:
            build.step(kernel_name(self.FAMILY, direction, arrays), {**pads, **act}, **arrays)

    def _emit_weight(
        self,
        build: "Builder",
        tiles: int,
        params: Params,
        x: Any,
        dy: Any,
        dw: np.ndarray,
        db: Any,
    ) -> None:
        if build.all_unwanted([dw, db]):
            return
        filters, channels = dw.shape[:2]
        shapes = winograd_sums(channels, filters, tiles)
        made: Arrays = {name: build.buffer(shape) for name, shape in shapes.items()}
        if db is None:
            made["bias_sums"] = None
        build.step(f"{self.FAMILY}_backward_weight", params, x=x, dy=dy, **made)
        build.step("winograd_weight_gradient", **made, dw=dw, db=db)


# Where the sums of all positions leave room for V and dM in L2, threads share tiles: each is then
# transformed once and not for each of 6 rows of positions, 1.3 (32 channels) to 1.7 times (16) as
# fast on Zen 5. Their number is fixed, so that bits do not depend on that of the threads; adding up
# more sums, or sums of fewer tiles, takes too long.
SHARED_SUMS = 2**18  # bytes, at most
SHARES = 8
SHARE_TILES = 4  # of 16 images, at least


def winograd_sums(channels: int, filters: int, tiles: int) -> dict[str, tuple[int, ...]]:
    """Shapes of the sums of Winograd's weight gradient; one of each for each share of the tiles.

    One share: threads share positions of a tile and filters, and each goes over all tiles."""
    one = (Winograd.SIDE**2, channels, -(-filters // VECTOR) * VECTOR)
    fits = 4 * math.prod(one) <= SHARED_SUMS
    shares = max(1, min(SHARES, tiles // SHARE_TILES)) if fits else 1
    return {"sums": (shares, *one), "bias_sums": (shares, filters)}


class WinogradBf16(Winograd):
    """The same with transformed tiles and weights rounded to bf16."""

    FAMILY = "winograd_bf16"

    def accepts(
        self, build: "Builder", conv: "Convolution", direction: str, channels: int, filters: int
    ) -> bool:
        fits = super().accepts(build, conv, direction, channels, filters)
        return build.precision == "bf16" and build.lanes == VECTOR and fits


ALGORITHMS: tuple[Algorithm, ...] = (WinogradBf16(), Winograd(), DirectBf16(), Direct())


def choose(
    build: "Builder", conv: "Convolution", direction: str, channels: int, filters: int
) -> Algorithm:
    return next(a for a in ALGORITHMS if a.accepts(build, conv, direction, channels, filters))
