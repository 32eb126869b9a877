"""Two images, and their labels, laid over each other."""

import numpy as np

from fastcnn.engine.augmentation import Augmentation, Records
from fastcnn.errors import OptionError
from fastcnn.plugins.registry import augmentations


@augmentations.register("mixup")
class MixUp(Augmentation):
    """s x + (1 - s) x', targets alike; x' another image of the batch, s from Beta(alpha, alpha).

    (Zhang et al. 2018.)
    """

    draws = 2
    mixes = True

    def __init__(self, alpha: float = 0.2) -> None:
        if not alpha > 0:
            raise OptionError(f"alpha must be positive, not {alpha}")
        self.alpha = float(alpha)

    def apply(self, uniform: np.ndarray, records: Records) -> None:
        records.partner[...] = partners(uniform[:, 0], records)
        records.share[...] = beta(uniform[:, 1], self.alpha)


def partners(uniform: np.ndarray, records: Records) -> np.ndarray:
    """A place with an image for each place, by chance; an image may be its own partner."""
    places = np.flatnonzero(records.samples >= 0)
    return places[np.floor(uniform * len(places)).astype(np.int64)]


def beta(uniform: np.ndarray, alpha: float) -> np.ndarray:
    """Numbers of the distribution Beta(alpha, alpha), from uniform ones."""
    from scipy.special import betaincinv

    return betaincinv(alpha, alpha, uniform)
