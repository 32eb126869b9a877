"""bf16: float32 with 8 bits of precision, of which 7 are stored."""

import numpy as np

__all__: list[str] = []

PRECISION = 8


def round_bf16(x):
    """x in its own dtype, rounded to the nearest bf16, ties to even.

    The exponent's range is that of float32, but numbers below its smallest normal one count as
    zeros, as they do for the instruction (VDPBF16PS).
    """
    mantissa, exponent = np.frexp(x)
    rounded = np.ldexp(np.rint(np.ldexp(mantissa, PRECISION)), exponent - PRECISION)
    tiny = np.finfo(np.float32).tiny
    return np.where(np.abs(x) < tiny, 0, rounded).astype(x.dtype)
