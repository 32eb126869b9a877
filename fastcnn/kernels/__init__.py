"""One interface, three makers of the same kernels: `native` (C), `numba`, `reference` (NumPy)."""

from fastcnn.kernels.program import Program, call, new_program

__all__ = ["Program", "call", "new_program"]
