"""NumPy has no peak worth measuring: the results alone, so that the table stays complete."""

import numpy as np

__all__ = ["fma_peak", "memory_peak"]

PART = 16384  # floats of both arrays together
LINE = 16  # floats: parts of y begin at a cache line


def fma_peak(flops, *, iterations):
    flops[0] = 0.0


def memory_peak(x, y):
    """y's part p is filled with the sum of x's part p, for as many parts of both."""
    parts = -(-(x.size + y.size) // PART)
    read, written = (np.arange(parts + 1) * array.size // parts for array in (x, y))
    written[:-1] -= written[:-1] % LINE
    for p in range(parts):
        y[written[p] : written[p + 1]] = x[read[p] : read[p + 1]].sum()
