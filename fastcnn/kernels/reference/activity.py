"""Penalties on activations. Lanes whose order is negative hold no image: penalty 0, gradient 0."""

import numpy as np

__all__ = ["activity_penalty", "activity_penalty_backward"]


def activity_penalty(x, order, penalty, *, l1, l2):
    """penalty = l1 sum|x| + l2 sum x^2 of each image"""
    penalty[...] = (l1 * np.abs(x) + l2 * x**2).sum(axis=(1, 2, 3)) * (order >= 0)


def activity_penalty_backward(x, order, dx, *, l1, l2):
    """dx = (l1 sign(x) + 2 l2 x) / images"""
    images = max((order >= 0).sum(), 1)
    dx[...] = (l1 * np.sign(x) + 2 * l2 * x) / images * (order >= 0)[:, None, None, None, :]
