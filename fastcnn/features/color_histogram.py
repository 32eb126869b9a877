"""Histograms of colours as a transformer."""

from collections.abc import Sequence
from itertools import product
from numbers import Integral
from typing import Any

import numpy as np

from fastcnn.engine.augmenter import white
from fastcnn.engine.options import pair, positive
from fastcnn.errors import ShapeError, unknown
from fastcnn.features.threads import threads_of
from fastcnn.features.transformer import ImageTransformer
from fastcnn.kernels import call
from fastcnn.kernels.program import Arrays

# What values can be in each space. Rounding puts black and white a little beyond L = 0 and 100.
RANGES = {
    "rgb": ((0, 1),) * 3,
    "hsv": ((0, 1),) * 3,
    "lab": ((-0.01, 100.01), (-110, 110), (-110, 110)),
}

MOST_BINS = 4096  # of a channel


class ColorHistogram(ImageTransformer):
    """The share of pixels in each bin of colours, for each part of the image.

    Bins are half open but for the last one; what lies outside all of them is in none. (Swain and
    Ballard, "Color indexing", 1991.)

    space: "rgb" (as they are, any number of channels, divided by 255 if uint8), "hsv" (all in
        [0, 1]) or "lab" (CIELAB of sRGB, D65: L in [0, 100], a and b within [-110, 110]).
    bins: a number of equal ones over these ranges, or rising edges (floats), for all channels; or
        a list of numbers or edges, one for each channel.
    joint: one histogram over all combinations, not one for each channel.
    grid: a number or (rows, columns) of parts; pixel h is in row h rows // height.
    input_shape: (H, W) or (H, W, C), the image in a flat row. Rows without it are grey images one
        pixel high.
    n_jobs: threads; None is all that joblib and threadpoolctl allow.

    Fitted: edges_ (for each channel), sample_shape_, n_features_in_.
    """

    def __init__(
        self,
        space: str = "rgb",
        bins: int | Sequence[Any] = 8,
        *,
        joint: bool = False,
        grid: int | tuple[int, int] = 1,
        input_shape: tuple[int, ...] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.space = space
        self.bins = bins
        self.joint = joint
        self.grid = grid
        self.input_shape = input_shape
        self.n_jobs = n_jobs

    def _fit(self, images: np.ndarray) -> None:
        if self.space not in RANGES:
            raise unknown("space", self.space, RANGES)
        self.edges_ = self._edges(images.shape[3])
        self._features(images[:1])  # the kernel says what does not fit

    def _edges(self, channels: int) -> list[np.ndarray]:
        ranges = RANGES[self.space] if channels == 3 else ((0, 1),) * channels
        bins: Any = self.bins
        if not _per_channel(bins):
            bins = [bins] * channels
        if len(bins) != channels:
            raise ShapeError(f"bins for {len(bins)} channels, but images have {channels}")
        return [_edges(*pair) for pair in zip(bins, ranges, strict=True)]

    def _features(self, images: np.ndarray) -> np.ndarray:
        rows, columns = pair("grid", self.grid)
        features = np.empty((len(images), len(self._bins()) * rows * columns), np.float32)
        arrays: Arrays = {
            "images": images,
            "edges": np.concatenate(self.edges_),
            "counts": np.array([len(edges) for edges in self.edges_]),
            "features": features,
        }
        call(
            "color_histogram",
            arrays,
            threads=threads_of(self.n_jobs),
            space=self.space,
            joint=int(self.joint),
            rows=rows,
            columns=columns,
            white=white(images),
        )
        return features

    def _bins(self) -> list[str]:
        """Names of the bins of one histogram."""
        sizes = [range(len(edges) - 1) for edges in self.edges_]
        if self.joint:
            return ["_".join(map(str, bins)) for bins in product(*sizes)]
        if len(sizes) == 3:
            return [f"{c}_{k}" for c, size in zip(self.space, sizes, strict=True) for k in size]
        return [f"channel{c}_{k}" for c, size in enumerate(sizes) for k in size]

    def _names(self) -> list[str]:
        rows, columns = pair("grid", self.grid)
        places = product(range(rows), range(columns), self._bins())
        return [f"{self.space}_part_{r}_{c}_bin_{bin}" for r, c, bin in places]


def _per_channel(bins: Any) -> bool:
    """Edges are numbers; a list of lists, or of whole numbers, is one entry for each channel."""
    if isinstance(bins, Integral):
        return False
    whole = all(isinstance(b, Integral) for b in bins)
    return whole or any(isinstance(b, Sequence | np.ndarray) for b in bins)


def _edges(bins: Any, span: tuple[float, float]) -> np.ndarray:
    """Edges of equal bins, or those that were given."""
    if isinstance(bins, Integral):
        return np.linspace(*span, positive("bins", bins, MOST_BINS) + 1, dtype=np.float32)
    return np.ascontiguousarray(bins, np.float32)
