"""Memory that begins on a cache line."""

import numpy as np

LINE = 64


def aligned_zeros(count: int, dtype: np.dtype) -> np.ndarray:
    """Zeros that begin on a cache line; NumPy's own arrays need not."""
    raw = np.zeros(count * dtype.itemsize + 2 * LINE, np.uint8)
    skip = -raw.ctypes.data % LINE
    return raw[skip : skip + count * dtype.itemsize].view(dtype)
