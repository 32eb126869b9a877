"""Philox4x32-10, as in csrc/philox.h and fastcnn/rng.py: a function of a counter and a key."""

import numpy as np

from fastcnn.kernels.numba_.helper import helper
from fastcnn.kernels.numba_.vector import (
    multiply_wide,
)

MULTIPLIERS = np.uint32(0xD2511F53), np.uint32(0xCD9E8D57)
STEPS = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)
LOW = np.uint64(0xFFFFFFFF)


@helper
def philox(c0, c1, c2, c3, k0, k1):
    """Four vectors of random words for the counters in four vectors (uint32)."""
    for _ in range(10):
        high0, low0 = multiply_wide(c0, (c0 ^ c0) | MULTIPLIERS[0])
        high1, low1 = multiply_wide(c2, (c2 ^ c2) | MULTIPLIERS[1])
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = np.uint32(k0 + STEPS[0]), np.uint32(k1 + STEPS[1])
    return c0, c1, c2, c3


@helper
def philox_words(counter, key, words):
    """The same for one counter of four words."""
    c0, c1 = np.uint64(counter[0]), np.uint64(counter[1])
    c2, c3 = np.uint64(counter[2]), np.uint64(counter[3])
    k0, k1 = np.uint32(key[0]), np.uint32(key[1])
    for _ in range(10):
        p0, p1 = np.uint64(MULTIPLIERS[0]) * c0, np.uint64(MULTIPLIERS[1]) * c2
        c0, c1 = (p1 >> np.uint64(32)) ^ c1 ^ np.uint64(k0), p1 & LOW
        c2, c3 = (p0 >> np.uint64(32)) ^ c3 ^ np.uint64(k1), p0 & LOW
        k0, k1 = np.uint32(k0 + STEPS[0]), np.uint32(k1 + STEPS[1])
    words[0], words[1], words[2], words[3] = c0, c1, c2, c3
