"""Counter-based random streams: numbers depend on a seed and what they are for, never on order.

Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011) maps a counter
of four 32-bit words and a key of two (the seed) to four random words. The counter's last word says
what they are for: a dropout layer's number (below 2**31), or one of the constants below.
"""

from collections.abc import Sequence

import numpy as np

SHUFFLE = 2**32 - 1
AUGMENT = 2**32 - 2

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def seed_key(seed: int) -> tuple[int, int]:
    """The two key words of a 64-bit seed, low word first."""
    return seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF


def philox(counter: Sequence, key: Sequence[int]) -> np.ndarray:
    """Random words (..., 4) uint32 for four counter words (broadcast) and two key words."""
    # Not broadcast here: single numbers stay single for the first rounds, which mix all four words.
    c0, c1, c2, c3 = (np.asarray(c, np.uint64) & _LOW for c in counter)
    k0, k1 = (int(k) & 0xFFFFFFFF for k in key)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1 = (p1 >> _HALF) ^ c1 ^ np.uint64(k0), p1 & _LOW
        c2, c3 = (p0 >> _HALF) ^ c3 ^ np.uint64(k1), p0 & _LOW
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=-1).astype(np.uint32)


def permutation(seed: int, epoch: int, n: int) -> np.ndarray:
    """Shuffled numbers 0 to n - 1 (int64): the stable order of n random 64-bit words.

    The words of items 2i and 2i + 1 come from the counter (i, 0, epoch, SHUFFLE).
    """
    words = philox((np.arange((n + 1) // 2), 0, epoch, SHUFFLE), seed_key(seed)).astype(np.uint64)
    return np.argsort((words[:, 0::2] << _HALF | words[:, 1::2]).ravel()[:n], kind="stable")


def generator(seed: int, stream: int) -> np.random.Generator:
    """NumPy's generator for one stream of one seed."""
    mask = 2**64 - 1
    return np.random.Generator(
        np.random.Philox(key=np.array([seed & mask, stream & mask], np.uint64))
    )


def uniform(seed: int, stream: int, shape: Sequence[int]) -> np.ndarray:
    """float32 in [0, 1), the same for the same seed, stream and shape."""
    return generator(seed, stream).random(tuple(shape), dtype=np.float32)


def normal(seed: int, stream: int, shape: Sequence[int]) -> np.ndarray:
    """float32 of mean 0 and standard deviation 1, the same for the same seed, stream and shape."""
    return generator(seed, stream).standard_normal(tuple(shape), dtype=np.float32)
