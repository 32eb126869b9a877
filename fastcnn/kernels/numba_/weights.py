"""Constraints and penalties on the weights of a layer, w (A, U, B): A and B come into unit U."""

from fastcnn.kernels.numba_.helper import helper, scratch
from fastcnn.kernels.numba_.share import split

__all__ = ["non_negative", "norm_constraint", "orthogonal_penalty"]

SMALLEST = 1e-7


def norm_constraint(work, w, low, high, rate):
    begin, end = split(w.shape[1], work)
    for u in range(begin, end):
        total = 0.0
        for a in range(w.shape[0]):
            for b in range(w.shape[2]):
                total += float(w[a, u, b]) * w[a, u, b]
        norm = total**0.5
        wanted = rate * min(max(norm, low), high) + (1.0 - rate) * norm
        for a in range(w.shape[0]):
            for b in range(w.shape[2]):
                w[a, u, b] *= wanted / (SMALLEST + norm)


def non_negative(work, w):
    begin, end = split(w.shape[0] * w.shape[1], work)
    for row in range(begin, end):
        a, u = row // w.shape[1], row % w.shape[1]
        for b in range(w.shape[2]):
            w[a, u, b] = 0.0 if w[a, u, b] < 0.0 else w[a, u, b]


@helper
def at(w, i, k, rows):
    """Where element k of vector i stands: (a, u, b)"""
    if rows:
        return i // w.shape[2], k, i % w.shape[2]
    return k // w.shape[2], i, k % w.shape[2]


@helper
def dot(w, i, j, size, rows):
    total = 0.0
    for k in range(size):
        total += float(w[at(w, i, k, rows)]) * w[at(w, j, k, rows)]
    return total


@helper
def norm_of(w, i, size, rows):
    return max(dot(w, i, i, size, rows) ** 0.5, SMALLEST)


@helper
def cosine(w, norms, i, j, size, rows):
    return dot(w, i, j, size, rows) / norms[i] / norms[j] if i != j else 0.0


@helper
def sign(v):
    return 1.0 if v > 0.0 else (-1.0 if v < 0.0 else v)


def _scratch(arrays, params):
    a, u, b = arrays["w"].shape
    return a * b + u + max(a * b, u)


@scratch(_scratch)
def orthogonal_penalty(work, w, dw, out, factor, rows):
    """Vectors belong to shares; the value is made by the first one, so that its order is fixed."""
    inputs, units = w.shape[0] * w.shape[2], w.shape[1]
    count, size = (inputs, units) if rows else (units, inputs)
    norms, pull = work.scratch[:count], work.scratch[count : count + size]
    for i in range(count):
        norms[i] = norm_of(w, i, size, rows)
    factor /= max(count * (count - 1) / 2.0, 1.0)
    if out.size and work.number == 0:
        out[0] = 0.0
        for i in range(count):
            for j in range(i):
                out[0] += factor * abs(cosine(w, norms, i, j, size, rows))
    begin, end = split(count if dw.size else 0, work)
    for i in range(begin, end):
        add_pull(w, dw, norms, pull, i, count, size, rows, factor)


@helper
def add_pull(w, dw, norms, pull, i, count, size, rows, factor):
    """dw of vector i"""
    pull[:] = 0.0
    for j in range(count):
        side = factor * sign(cosine(w, norms, i, j, size, rows)) / norms[j]
        for k in range(size):
            pull[k] += side * w[at(w, j, k, rows)]
    along = 0.0
    for k in range(size):
        along += pull[k] * w[at(w, i, k, rows)] / norms[i]
    for k in range(size):
        r = w[at(w, i, k, rows)] / norms[i]
        dw[at(w, i, k, rows)] += (pull[k] - along * r) / norms[i]
