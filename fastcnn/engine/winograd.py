"""Winograd's convolution of a shape: which tiles it takes, and what it costs beside the direct one.

Tiles of 6 x 6 inputs need 4 (3x3 kernels) or 2.8 (5x5) times fewer multiplications, tiles of 4 x 4
2.25 times (3x3 only); but they leave less over of images of 1, 2, 5 or 6 pixels, and have fewer
transformed weights to read.
"""

import math
from dataclasses import dataclass

from fastcnn.kernels.checks import WINOGRAD_SIDES
from fastcnn.kernels.geometry import Pair

VECTOR = 16  # lanes
DIRECT = 1  # direct convolution: a tile for each pixel, whose positions are the taps

# In multiply-adds for each position of a tile: what transforming costs for each channel and filter,
# and what packing a weight costs, in training: for predictions they are packed once. Fitted to
# benchmarks/convolutions.py on Zen 5.
TRANSFORM = {"forward": 5.5, "input": 5.5, "weight": 11.0}
PACKING = 4.2
# Images that lie alone: what reading a weight costs, for each chunk of tiles; more weights than
# some layers' share of L3 come from memory.
CHUNK = 16  # tiles
READING, FAR_READING = 3.0, 8.0
FAR_BYTES = 2**23

# Where the sums of all positions leave room for V and dM in L2, threads share tiles: each is then
# transformed once and not for each row of positions, 1.3 (32 channels) to 1.7 times (16) as fast on
# Zen 5. Their number is fixed, so that bits do not depend on that of the threads; adding up more
# sums, or sums of fewer tiles, takes too long.
SHARED_SUMS = 2**18  # bytes, at most
SHARES = 8
SHARE_TILES = 4  # of 16 images, at least


@dataclass(frozen=True)
class Product:
    """A convolution in one direction: `blocks` of images, `size` outputs (pixels of dx for
    backward_input), all that its cost follows from."""

    direction: str
    blocks: int
    size: Pair
    kernel: int
    channels: int
    filters: int
    lanes: int = VECTOR
    training: bool = False

    def side(self) -> int:
        """That of the tiles which need the least work."""
        return min(WINOGRAD_SIDES[self.kernel], key=self.work)

    def gain(self) -> float:
        """How many times more multiply-adds direct convolution needs."""
        return self.work(DIRECT) / self.work(self.side())

    def work(self, side: int) -> float:
        """In multiply-adds, with tiles of that side, or by direct convolution."""
        weights, tiles = self.channels * self.filters, self.tiles(side)
        transform = TRANSFORM[self.direction.rpartition("_")[2]] if side != DIRECT else 0.0
        transforms = tiles * transform * (self.channels + self.filters)
        return self._positions(side) * (tiles * weights + transforms + self._fetching(side))

    def tiles(self, side: int) -> int:
        outputs = 1 if side == DIRECT else side + 1 - self.kernel
        return self.blocks * math.prod(-(-n // outputs) for n in self.size)

    def _positions(self, side: int) -> int:
        return self.kernel**2 if side == DIRECT else side**2

    def _fetching(self, side: int) -> float:
        """What weights cost at one position before they are multiplied."""
        weights = self.channels * self.filters
        if self.lanes == 1:
            chunks = 1 if side == DIRECT else -(-self.tiles(side) // CHUNK)
            far = 4 * self._positions(side) * weights > FAR_BYTES
            return weights * chunks * (FAR_READING if far else READING)
        return PACKING * weights if self.training and side != DIRECT else 0.0

    def sums(self, side: int) -> dict[str, tuple[int, ...]]:
        """Shapes of the sums of a weight gradient; one of each for each share of the tiles.

        One share: threads share positions of a tile and filters, and each goes over all tiles."""
        one = (side**2, self.channels, -(-self.filters // VECTOR) * VECTOR)
        fits = 4 * math.prod(one) <= SHARED_SUMS
        shares = max(1, min(SHARES, self.tiles(side) // SHARE_TILES)) if fits else 1
        return {"sums": (shares, *one), "bias_sums": (shares, self.filters)}
