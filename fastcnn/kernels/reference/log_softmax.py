"""The logarithm of the softmax, over axis 1."""

import numpy as np

__all__ = ["log_softmax_backward", "log_softmax_forward"]


def log_softmax_forward(x, y):
    """y = d - log sum_k exp(d_k), d = x - max x"""
    d = x - x.max(axis=1, keepdims=True)
    y[...] = d - np.log(np.exp(d).sum(axis=1, keepdims=True))


def log_softmax_backward(dy, y, dx):
    """dx = dy - exp(y) sum_k dy_k"""
    dx[...] = dy - np.exp(y) * dy.sum(axis=1, keepdims=True)
