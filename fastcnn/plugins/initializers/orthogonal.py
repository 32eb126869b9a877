"""A random orthogonal matrix."""

import numpy as np

from fastcnn.engine.layer import Parameter
from fastcnn.plugins.registry import initializers


@initializers.register("orthogonal")
class Orthogonal:
    """gain times a random matrix (units, incoming weights) with orthonormal rows or columns

    Rows, if there are no more units than incoming weights, otherwise columns. One vector (a bias)
    gets norm gain. (Saxe, McClelland and Ganguli 2014.)
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = float(gain)

    def __call__(self, generator: np.random.Generator, p: Parameter) -> np.ndarray:
        rows = p.shape[0] if len(p.shape) > 1 else 1
        columns = int(np.prod(p.shape)) // rows
        vectors = generator.normal(size=(min(rows, columns), max(rows, columns)))
        matrix = orthonormal(vectors)
        matrix = matrix if rows <= columns else matrix.T
        return (self.gain * matrix).reshape(p.shape).astype(np.float32)


def orthonormal(vectors: np.ndarray) -> np.ndarray:
    """Gram and Schmidt's basis of the rows, each made twice: once would leave rounding errors.

    Not by LAPACK, whose last bits depend on its threads; einsum's sums don't.
    """
    basis = np.zeros_like(vectors)
    for i, v in enumerate(vectors):
        for _ in range(2):
            parts = np.einsum("ij,j->i", basis[:i], v)
            v = v - np.einsum("i,ij->j", parts, basis[:i])
            v = v / np.sqrt((v * v).sum())
        basis[i] = v
    return basis
