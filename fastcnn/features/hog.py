"""Histograms of oriented gradients as a transformer."""

from itertools import product
from typing import Any

import numpy as np

from fastcnn.engine.options import pair
from fastcnn.errors import unknown
from fastcnn.features.grey import grey
from fastcnn.features.threads import threads_of
from fastcnn.features.transformer import ImageTransformer
from fastcnn.kernels import call

NORMS = {"L1": "l1", "L1-sqrt": "l1_sqrt", "L2": "l2", "L2-Hys": "l2_hys"}
CHANNELS = ("strongest", "grey")


class HOG(ImageTransformer):
    """Of each cell, how long its gradients are in each direction; blocks of cells normalised.

    Features are (block row, block column, cell row, cell column, orientation), flattened: the
    numbers of `skimage.feature.hog`, whose names of options these are. (Dalal and Triggs 2005.)

    orientations: bins of half a turn, of a whole one with signed_gradient.
    pixels_per_cell, cells_per_block: a number or (rows, columns).
    block_norm: "L1", "L1-sqrt", "L2" or "L2-Hys".
    transform_sqrt: take the square root of values first; they must not be negative.
    channels: of each pixel "strongest" takes the channel of the longest gradient, "grey" turns
        colours into 0.299 R + 0.587 G + 0.114 B first.
    input_shape: (H, W) or (H, W, C), the image in a flat row. Rows without it are images one
        pixel high, in which cells and blocks are cut to what fits.
    n_jobs: threads; None is all that joblib and threadpoolctl allow.

    Fitted: sample_shape_, n_features_in_.
    """

    def __init__(
        self,
        orientations: int = 9,
        pixels_per_cell: int | tuple[int, int] = (8, 8),
        cells_per_block: int | tuple[int, int] = (3, 3),
        block_norm: str = "L2-Hys",
        *,
        signed_gradient: bool = False,
        transform_sqrt: bool = False,
        channels: str = "strongest",
        input_shape: tuple[int, ...] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.orientations = orientations
        self.pixels_per_cell = pixels_per_cell
        self.cells_per_block = cells_per_block
        self.block_norm = block_norm
        self.signed_gradient = signed_gradient
        self.transform_sqrt = transform_sqrt
        self.channels = channels
        self.input_shape = input_shape
        self.n_jobs = n_jobs

    def _fit(self, images: np.ndarray) -> None:
        self._features(images[:1])  # the kernel says what does not fit

    def _features(self, images: np.ndarray) -> np.ndarray:
        if self.channels not in CHANNELS:
            raise unknown("channels", self.channels, CHANNELS)
        if self.block_norm not in NORMS:
            raise unknown("block_norm", self.block_norm, NORMS)
        if self.channels == "grey":
            images = grey(images)
        cell, block = self._cell_and_block()
        features = np.empty((len(images), int(np.prod(self._axes()))), np.float32)
        call(
            "hog",
            {"images": images, "features": features},
            threads=threads_of(self.n_jobs),
            norm=NORMS[self.block_norm],
            orientations=self.orientations,
            cell_h=cell[0],
            cell_w=cell[1],
            block_h=block[0],
            block_w=block[1],
            signed_gradient=int(self.signed_gradient),
            square_root=int(self.transform_sqrt),
        )
        return features

    def _cell_and_block(self) -> tuple[tuple[int, int], tuple[int, int]]:
        cell = pair("pixels_per_cell", self.pixels_per_cell)
        block = pair("cells_per_block", self.cells_per_block)
        if len(self.sample_shape_) == 1:
            cell = (1, min(cell[1], self.sample_shape_[0]))
            block = (1, min(block[1], self.sample_shape_[0] // cell[1]))
        return cell, block

    def _axes(self) -> tuple[int, ...]:
        """Blocks down and across, cells of a block down and across, orientations."""
        cell, block = self._cell_and_block()
        size = (1, *self.sample_shape_) if len(self.sample_shape_) == 1 else self.sample_shape_
        blocks = [max(0, n // c - b + 1) for n, c, b in zip(size, cell, block, strict=False)]
        return (*blocks[:2], *block, self.orientations)

    def _names(self) -> list[str]:
        places: Any = product(*map(range, self._axes()))
        return [f"hog_block_{r}_{c}_cell_{i}_{j}_bin_{k}" for r, c, i, j, k in places]
