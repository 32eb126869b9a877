"""Mean and standard deviation of each channel, so that a net sees values around 0."""

from dataclasses import replace
from typing import Any

import numpy as np

from fastcnn.engine.preprocessing import Preprocessing

CHUNK = 1024  # images at a time: the sums need no copy of all pixels in a wider type


def normalisation(images: np.ndarray) -> Preprocessing:
    """(x - mean) / std by channel over these images (N, H, W, C); a constant channel becomes 0."""
    mean, std = channel_statistics(images)
    scale = 1 / np.where(std > 0, std, 1)
    made = Preprocessing.of(images)
    # Statistics of bytes are in steps of `unit`.
    unit = made.unit if images.dtype == np.uint8 and made.unit is not None else 1.0
    return replace(made, scale=scale / unit, offset=-mean * scale)


def normalise_inputs(model: Any, images: np.ndarray) -> None:
    """Let the model see these training images normalised, unless its pixels are taken care of."""
    if model.preprocessing is None and not any(model.scales_pixels):
        model.preprocessing = normalisation(images)


def channel_statistics(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (C,) in float64."""
    count = images.size // images.shape[-1]
    chunks = range(0, len(images), CHUNK)
    if images.dtype == np.uint8:
        counts = np.zeros((images.shape[-1], 256), np.int64)
        for k in chunks:
            counts += _value_counts(images[k : k + CHUNK])
        values = np.arange(256, dtype=np.float64)
        mean = counts @ values / count
        squares = [(c * (values - m) ** 2).sum() for c, m in zip(counts, mean, strict=True)]
        return mean, np.sqrt(np.array(squares) / count)
    axes = (0, 1, 2)
    mean = sum(images[k : k + CHUNK].sum(axes, np.float64) for k in chunks) / count
    deviations = (images[k : k + CHUNK].astype(np.float64) - mean for k in chunks)
    return mean, np.sqrt(sum((d * d).sum(axes) for d in deviations) / count)


def _value_counts(images: np.ndarray) -> np.ndarray:
    """(C, 256): how often each channel has each value."""
    channels = range(images.shape[-1])
    return np.stack([np.bincount(images[..., c].ravel(), minlength=256) for c in channels])
