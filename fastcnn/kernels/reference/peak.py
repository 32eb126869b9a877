"""NumPy has no peak worth measuring: the count alone, so that the table stays complete."""

__all__ = ["fma_peak"]


def fma_peak(flops, *, iterations):
    flops[0] = 0.0
