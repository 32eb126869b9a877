"""Random words."""

import numpy as np

from fastcnn import rng

__all__ = ["philox"]


def philox(counter, key, words):
    """Philox4x32-10 of each row of counter (N, 4); see fastcnn/rng.py."""
    words[...] = rng.philox(np.moveaxis(counter, -1, 0), key)
