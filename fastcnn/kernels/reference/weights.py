"""Constraints and penalties on the weights of a layer.

w is (A, U, B), A and B together what comes into unit U.
"""

import numpy as np

__all__ = ["non_negative", "norm_constraint", "orthogonal_penalty"]

SMALLEST = 1e-7  # Keras' epsilon: keeps vectors of zeros finite


def norm_constraint(w, *, low, high, rate):
    """w *= (rate clip(|w|, low, high) + (1 - rate) |w|) / (epsilon + |w|), |w| for each unit"""
    norms = np.sqrt((w**2).sum(axis=(0, 2), keepdims=True))
    w *= (rate * np.clip(norms, low, high) + (1 - rate) * norms) / (SMALLEST + norms)


def non_negative(w):
    """w = max(w, 0)"""
    np.maximum(w, 0, out=w)


def orthogonal_penalty(w, dw, out, *, factor, rows):
    """penalty = factor / pairs  sum over i < j of |r[i] . r[j]|

    r[i] = v[i] / max(|v[i]|, epsilon), v[i]: the weights of unit i, or with rows of input (a, b).
    out = penalty;  dw += d penalty / d w
    """
    units = w.transpose(1, 0, 2).reshape(w.shape[1], -1)
    v = units.T if rows else units
    norms = np.maximum(np.sqrt((v**2).sum(axis=1, keepdims=True)), SMALLEST)
    r = v / norms
    cosines = r @ r.T
    np.fill_diagonal(cosines, 0)
    scale = factor / max(len(v) * (len(v) - 1) / 2, 1)
    if out is not None:
        out[...] = scale * np.abs(cosines).sum() / 2
    if dw is not None:
        pull = scale * np.sign(cosines) @ r
        dv = (pull - (pull * r).sum(axis=1, keepdims=True) * r) / norms
        gradient = dv.T if rows else dv
        dw += gradient.reshape(w.shape[1], w.shape[0], w.shape[2]).transpose(1, 0, 2)
