"""One interface, two makers of the same kernels: `native` (Cython over C), `reference` (NumPy)."""

from fastcnn.kernels.program import Program, call, new_program

__all__ = ["Program", "call", "new_program"]
