"""Images for tests of transformers."""

import numpy as np


def photographs(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
