"""Batch norm put into the weights of the layer before it."""

import math

from fastcnn.kernels.numba_.share import split

__all__ = ["fold_batch_norm"]


def fold_batch_norm(work, w, b, gamma, beta, moving_mean, moving_var, folded_w, folded_b, epsilon):
    begin, end = split(w.shape[0], work)
    for k in range(begin, end):
        scale = 1.0 / math.sqrt(moving_var[k] + epsilon)
        if gamma.size:
            scale *= gamma[k]
        for i in range(w.shape[1]):
            folded_w[k, i] = w[k, i] * scale
        shift = -moving_mean[k] * scale
        if b.size:
            shift += b[k] * scale
        if beta.size:
            shift += beta[k]
        folded_b[k] = shift
