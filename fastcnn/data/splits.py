"""Seeded, stratified hold-out: the same images for the same seed, everywhere."""

import numpy as np

from fastcnn.data.dataset import ImageSet
from fastcnn.errors import DataError, OptionError


def split(images: ImageSet, fraction: float, seed: int = 0) -> tuple[ImageSet, ImageSet]:
    """(rest, held out): `fraction` of the images held out, each class in proportion."""
    rest, held_out = split_indices(images.labels, fraction, seed)
    return images.take(rest), images.take(held_out)


def part(images: ImageSet, count: int, seed: int = 0) -> ImageSet:
    """`count` of the images, each class in proportion; more of them hold the fewer."""
    classes = int(np.count_nonzero(np.bincount(images.labels)))
    if not classes <= count <= len(images):
        raise OptionError(
            f"{count:,} of {len(images):,} images; expected at least one of each of the {classes} "
            "classes, and no more than there are"
        )
    if count == len(images):
        return images
    return images.take(split_indices(images.labels, count / len(images), seed)[1])


def split_indices(
    labels: np.ndarray, fraction: float, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of (rest, held out), both in ascending order; round(N * fraction) are held out."""
    if not 0 < fraction < 1:
        raise OptionError(f"fraction {fraction!r}; expected more than 0 and less than 1")
    if not 0 <= seed < 1 << 64:
        raise OptionError(f"seed {seed!r}; expected 0 to 2**64 - 1")
    sizes = np.bincount(labels)
    counts = _counts_per_class(sizes, fraction)
    # Raw bits of a bit generator are the only random numbers NumPy promises never to change.
    keys = np.random.Philox(key=seed).random_raw(len(labels))
    order = np.lexsort((keys, labels))
    rank = np.empty(len(labels), np.int64)
    rank[order] = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    held_out = rank < counts[labels]
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def _counts_per_class(sizes: np.ndarray, fraction: float) -> np.ndarray:
    """Largest remainders; no class loses its last image."""
    wanted = sizes * fraction
    most = np.maximum(sizes - 1, 0)
    counts = np.minimum(wanted.astype(np.int64), most)
    missing = round(sizes.sum() * fraction) - counts.sum()
    for label in np.argsort(counts - wanted, kind="stable")[: max(missing, 0)]:
        counts[label] += counts[label] < most[label]
    if not counts.any():
        raise DataError(
            f"a fraction of {fraction} of {sizes.sum()} images in {np.count_nonzero(sizes)} "
            "classes holds no image out; expected more images or a larger fraction"
        )
    return counts
