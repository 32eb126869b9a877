"""Images that are quick to learn, and small nets."""

import numpy as np

NET = "conv 4@3x3 same relu - pool 2 - dense 16 relu"


def bars(samples=120, side=8, seed=0):
    """(images (n, side, side) float32, labels): 0 lines across, 1 lines down, 2 none; with noise"""
    random = np.random.default_rng(seed)
    labels = np.arange(samples) % 3
    images = random.normal(0, 0.15, (samples, side, side)).astype(np.float32)
    for image, label, place in zip(images, labels, random.integers(0, side, samples), strict=True):
        if label == 0:
            image[place] += 1
        elif label == 1:
            image[:, place] += 1
    return images, labels


def same_numbers(a, b, X):
    """Whether two estimators predict the same bits."""
    return np.array_equal(a.predict(X), b.predict(X))
