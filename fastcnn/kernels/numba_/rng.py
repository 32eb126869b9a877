"""Random words."""

from fastcnn.kernels.numba_.philox import philox_words
from fastcnn.kernels.numba_.share import split

__all__ = ["philox"]


def philox(work, counter, key, words):
    begin, end = split(len(words), work)
    for k in range(begin, end):
        philox_words(counter[k], key, words[k])
