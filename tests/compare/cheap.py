"""Estimators and images that take no time, and results made by hand."""

import os
import time

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


def images(count=90, side=4, classes=3):
    """uint8 images (count, side, side, 1) whose classes differ in brightness, and their labels."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % classes
    pixels = random.integers(0, 100, (count, side, side, 1)) + 20 * labels[:, None, None, None]
    return pixels.astype(np.uint8), labels


class Nearest(ClassifierMixin, BaseEstimator):
    """Tells classes by the mean of a few pixels, by chance where there are none."""

    def __init__(self, pixels=4, random_state=None):
        self.pixels = pixels
        self.random_state = random_state

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.means_ = np.array([self._means(X)[y == c].mean() for c in self.classes_])
        return self

    def _means(self, X):
        pixels = X.reshape(len(X), -1)[:, : self.pixels]
        return pixels.mean(axis=1) if self.pixels else np.zeros(len(X))

    def predict(self, X):
        if not self.pixels:
            return np.random.default_rng(self.random_state).choice(self.classes_, len(X))
        distance = abs(self._means(X)[:, None] - self.means_)
        return self.classes_[distance.argmin(axis=1)]


class Sure(Nearest):
    """The same with probabilities, and a loss of two epochs."""

    def fit(self, X, y):
        self.loss_curve_ = [1.0, 0.5]
        return super().fit(X, y)

    def predict_proba(self, X):
        scores = np.exp(-abs(self._means(X)[:, None] - self.means_) / 10)
        return scores / scores.sum(axis=1, keepdims=True)


class Broken(Nearest):
    def fit(self, X, y):
        raise RuntimeError("no <b>luck</b>\nat all")


class Deadly(Nearest):
    """Takes its process with it, as a crash in C does."""

    def fit(self, X, y):
        os._exit(1)


class Slow(Nearest):
    def fit(self, X, y):
        time.sleep(60)


class Touchy(Nearest):
    """Fails where no image is of class 0."""

    def fit(self, X, y):
        if 0 not in y:
            raise ValueError("no class 0")
        return super().fit(X, y)


def row(model, size, accuracy, seconds, training=None, failed=0, times=(None, None)):
    """A row of the results, with what the verdict reads. times: the interval of the seconds."""
    training = accuracy if training is None else training
    figures = {"test_accuracy": accuracy, "train_accuracy": training, "fit_seconds": seconds}
    cells = {name: None if v is None else {"mean": v} for name, v in figures.items()}
    if seconds is not None:
        cells["fit_seconds"] |= dict(zip(("low", "high"), times, strict=True))
    return {
        "model": model,
        "size": size,
        **cells,
        "failed": failed,
        "errors": ["ValueError: too bad"] * bool(failed),
    }


def test_between(first, second, size, p, low=-0.01, high=0.01):
    return {
        "first": first,
        "second": second,
        "size": size,
        "p_adjusted": p,
        "low": low,
        "high": high,
    }


test_between.__test__ = False
