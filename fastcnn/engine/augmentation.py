"""What an augmentation is: it draws numbers for each image and writes them into records."""

from abc import ABC, abstractmethod

import numpy as np


class Records:
    """What shall be done to each of n images; the kernels' reference tells what the arrays mean.

    Augmentations compose: `view` appends a map of pixels to those before it, `paint` a map of
    colours. Holes come after them, then patches and mixing.
    """

    def __init__(
        self, samples: np.ndarray, image_shape: tuple[int, int, int], peak: float, epoch: int
    ) -> None:
        """samples: number of each image in the data, -1 where there is none. peak: white."""
        n = len(samples)
        self.samples, self.epoch, self.peak = samples, epoch, peak
        self.channels, self.height, self.width = image_shape
        self.matrix = np.tile(np.eye(2, 3), (n, 1, 1))
        self.color = np.tile(np.eye(self.channels, self.channels + 1), (n, 1, 1))
        self.hole = np.zeros((n, 4), np.int64)
        self.patch = np.zeros((n, 4), np.int64)
        self.partner = np.arange(n)
        self.share = np.ones(n)

    def __len__(self) -> int:
        return len(self.samples)

    def view(self, linear: np.ndarray, shift: np.ndarray) -> None:
        """Show at pixel p (column, row), counted from the centre, what stands at linear p + shift.

        linear (n, 2, 2) or (2, 2), shift (n, 2) or (2,) in pixels: (column, row).
        """
        centre = np.array([(self.width - 1) / 2, (self.height - 1) / 2])
        constant = centre + shift - (np.broadcast_to(linear, (len(self), 2, 2)) @ centre)
        first, start = self.matrix[:, :, :2], self.matrix[:, :, 2]
        self.matrix[:, :, 2] = start + (first @ constant[..., None])[..., 0]
        self.matrix[:, :, :2] = first @ linear

    def paint(self, linear: np.ndarray, shift: np.ndarray) -> None:
        """Turn colours v (C,) into linear v + shift. linear (n, C, C), shift (n, C)."""
        self.color[:, :, -1] = (linear @ self.color[:, :, -1:])[..., 0] + shift
        self.color[:, :, :-1] = linear @ self.color[:, :, :-1]

    def own_share(self) -> np.ndarray:
        """How much of each image is its own, and not its partner's: the weight of its label."""
        top, bottom, left, right = np.maximum(self.patch, 0).T
        rows = np.maximum(np.minimum(bottom, self.height) - top, 0)
        columns = np.maximum(np.minimum(right, self.width) - left, 0)
        return self.share * (1 - rows * columns / (self.height * self.width))


class Augmentation(ABC):
    """Base of all augmentations. Subclasses store options and say how many numbers they draw."""

    registered_name: str = ""
    draws: int = 1  # uniform numbers in [0, 1) for each image
    mixes = False  # images with one another: targets become soft

    @abstractmethod
    def apply(self, uniform: np.ndarray, records: Records) -> None:
        """Write what these numbers (n, draws) mean into the records."""


def between(uniform: np.ndarray, low: float, high: float) -> np.ndarray:
    """Uniform numbers of [0, 1) moved to [low, high)."""
    return low + (high - low) * uniform


def box(row: np.ndarray, column: np.ndarray, height: np.ndarray, width: np.ndarray) -> np.ndarray:
    """(n, 4) top, bottom, left, right of boxes around these middles, in whole pixels."""
    top = np.floor(row - height / 2 + 0.5)
    left = np.floor(column - width / 2 + 0.5)
    sides = (top, top + np.round(height), left, left + np.round(width))
    return np.stack(sides, axis=1).astype(np.int64)
