"""Whether probabilities mean what they say.

probabilities: (images, classes), rows that sum to 1; labels: (images,) indices of classes.
"""

import numpy as np

BINS = 15
SMALLEST = np.finfo(np.float64).eps  # a probability of 0 for the true class costs 36, not infinity


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """-mean(log p[true class])"""
    chosen = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.clip(chosen, SMALLEST, 1.0)).mean())


def brier_score(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """mean over images of sum over classes of (p - [class is true])^2, 0 to 2

    Brier (1950), Verification of forecasts expressed in terms of probability, Monthly Weather
    Review 78
    """
    truth = np.zeros(probabilities.shape)
    truth[np.arange(len(labels)), labels] = 1
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> float:
    """ECE = sum over bins of share of images * |accuracy - mean confidence|

    An image's confidence is its largest probability; the bins are (0, 1/15], (1/15, 2/15], ...
    Guo, Pleiss, Sun, Weinberger (2017), On Calibration of Modern Neural Networks, ICML
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    gap = (probabilities.argmax(axis=1) == labels) - confidence
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    return float(np.abs(np.bincount(place, weights=gap, minlength=bins)).sum() / len(labels))
