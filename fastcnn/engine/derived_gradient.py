"""Gradients of losses that came without one: by autograd, else by central differences.

Autograd (extra `autograd`) follows functions that are written with `autograd.numpy`; others may
lose the thread, so what it gives is held against differences once, with the first batch.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from fastcnn.errors import SetupWarning, warn

Function = Callable[[np.ndarray, np.ndarray], Any]
Figures = Callable[[Any, tuple[int, ...]], np.ndarray]
# (y_true, y_pred, weights) -> (figures, gradient): see Derived.__call__
Method = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

STEP = float(np.finfo(float).eps) ** (1 / 3)  # rounding and curvature err alike
STEPS = (1e-6, 1e-7, 1e-5)  # of a check; the others count where a kink lies within the first one
AGREES = 1e-4  # of the sum of absolute terms
PROBES = 3  # places where a gradient of zeros is looked at again


class NotTraced(Exception):
    """Why autograd can't derive a function."""


class Derived:
    """The gradient of a function (y_true, y_pred) -> (n,), or one figure for the batch.

    How it is found is decided with the first batch, and stays.
    """

    def __init__(self, name: str, function: Function, figures: Figures):
        """figures: checks what the function gives for outputs of a shape (n, K); () or (n,)"""
        self.name, self.function, self.figures = name, function, figures
        self.method: Method | None = None

    def __call__(
        self, y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(figures, gradient of their weighted mean by y_pred (n, K)), in float64."""
        y_pred = y_pred.astype(np.float64)
        if y_true.dtype.kind == "f":
            y_true = y_true.astype(np.float64)
        if self.method is None:
            self.method = self._choose(y_true, y_pred, weights)
            self._warn_if_flat(y_true, y_pred, weights)
        return self.method(y_true, y_pred, weights)

    # ---- which way

    def _choose(self, y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray) -> Method:
        try:
            self._check_trace(y_true, y_pred, weights)
            return self._traced
        except NotTraced as error:
            apart = self._samples_are_apart(y_true, y_pred)
            calls = 2 * y_pred.shape[1] * (1 if apart else len(y_pred))
            hint = "" if apart else "; one that gives a figure for each sample, (n,), takes fewer"
            warn(
                f"the loss {self.name!r} has no gradient, and autograd can't derive one ({error}): "
                f"central differences take {calls:,} calls of it for each batch{hint}. Write it "
                "with autograd.numpy in place of numpy, or give the gradient: "
                "losses.Custom(function, gradient)",
                SetupWarning,
            )
            return self.by_sample if apart else self.one_by_one

    def _check_trace(self, y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray) -> None:
        """Hold autograd's gradient against differences, a little aside: not on a kink."""
        rng = np.random.default_rng(0)
        place = y_pred + 1e-3 * rng.random(y_pred.shape) * (y_pred.mean() - y_pred)
        self._traced(y_true, y_pred, weights)
        _, gradient = self._traced(y_true, place, weights)
        direction = rng.normal(size=place.shape)
        promised = float((gradient * direction).sum())
        slack = AGREES * float(abs(gradient * direction).sum()) + 1e-9
        found = []
        for h in STEPS:
            step = h * direction
            sides = [self._mean(y_true, place + s, weights) for s in (step, -step)]
            found.append((sides[0] - sides[1]) / (2 * h))
        if not any(abs(value - promised) <= slack for value in found):
            raise NotTraced(f"its slope is {promised:.4g}, by differences {found[0]:.4g}")

    def _samples_are_apart(self, y_true: np.ndarray, y_pred: np.ndarray) -> bool:
        """Whether the figure of a sample stays when the outputs of the others change."""
        figures = self._values(y_true, y_pred)
        if figures.ndim == 0:
            return len(y_pred) == 1
        moved = y_pred + 0.1 * (y_pred.mean() - y_pred)
        moved = np.where(moved == y_pred, y_pred + 1e-3, moved)
        odd = np.arange(len(y_pred)) % 2 == 1
        for still in (odd, ~odd):
            there = self._values(y_true, np.where(still[:, None], y_pred, moved))
            if not np.allclose(there[still], figures[still], rtol=1e-10, atol=0, equal_nan=True):
                return False
        return True

    def _warn_if_flat(self, y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray) -> None:
        assert self.method is not None
        rng = np.random.default_rng(0)
        low, high = min(0.0, float(y_pred.min())), max(1.0, float(y_pred.max()))
        places = [y_pred, *(rng.uniform(low, high, y_pred.shape) for _ in range(PROBES))]
        if any(self.method(y_true, place, weights)[1].any() for place in places):
            return
        warn(
            f"the gradient of the loss {self.name!r} is zero everywhere, so nothing is learned: a "
            "threshold such as y_pred >= 0.5 has slope 0; use the soft form, with y_pred itself in "
            "place of the comparison",
            SetupWarning,
        )

    # ---- the ways

    def _traced(
        self, y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """One call of the function, and the way back."""
        try:
            from autograd import make_vjp
        except ImportError:
            raise NotTraced("it is not installed: pip install 'fastcnn[autograd]'") from None
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Output seems independent of input")
                back, values = make_vjp(lambda given: self.function(y_true, given))(y_pred)
        except Exception as error:
            self._values(y_true, y_pred)  # raises, if the function itself is wrong
            raise NotTraced(f"{type(error).__name__}: {error}".splitlines()[0]) from None
        if getattr(values, "dtype", np.dtype(float)).kind == "O":
            raise NotTraced("it uses functions of numpy")
        figures = self.figures(values, y_pred.shape)
        share = np.ones(()) if figures.ndim == 0 else weights / np.size(values)
        if np.ndim(values) > 1:
            share = np.broadcast_to(share[:, None], np.shape(values))
        with np.errstate(all="ignore"):  # what is no number is told by the caller
            return figures, np.asarray(back(share.astype(figures.dtype)), np.float64)

    def by_sample(
        self, y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """2 K calls: an output of all samples at once."""
        figures = self._values(y_true, y_pred)
        slopes = central_differences(lambda y: self._values(y_true, y), y_pred, figures)
        return figures, slopes * (weights / len(weights))[:, None]

    def one_by_one(
        self, y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """2 n K calls."""
        figures, gradient = self._values(y_true, y_pred), np.empty_like(y_pred)
        mean = np.asarray(self._mean(y_true, y_pred, weights))

        def moved(row: int) -> Callable[[np.ndarray], np.ndarray]:
            def function(y: np.ndarray) -> np.ndarray:
                whole = y_pred.copy()
                whole[row] = y
                return np.asarray(self._mean(y_true, whole, weights))

            return function

        for row in range(len(y_pred)):
            gradient[row] = central_differences(moved(row), y_pred[row], mean)
        return figures, gradient

    def _values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return self.figures(self.function(y_true, y_pred), y_pred.shape)

    def _mean(self, y_true: np.ndarray, y_pred: np.ndarray, weights: np.ndarray) -> float:
        """What is minimised."""
        with np.errstate(all="ignore"):
            figures = self._values(y_true, y_pred)
        return float(figures if figures.ndim == 0 else (weights * figures).sum() / len(weights))


def central_differences(
    function: Callable[[np.ndarray], np.ndarray], y: np.ndarray, middle: np.ndarray
) -> np.ndarray:
    """Slopes by each number of the last axis, whose other axes are those of the function's values.

    y (..., K), middle = function(y) (...). Where a side is no number, beyond the end of a
    logarithm, the other one counts.
    """
    slopes = np.empty_like(y, dtype=np.float64)
    for k in range(y.shape[-1]):
        step = np.zeros_like(y, dtype=np.float64)
        step[..., k] = STEP * np.maximum(1, abs(y[..., k]))
        above, below = y + step, y - step
        with np.errstate(all="ignore"):
            high, low = function(above), function(below)
        no_high, no_low = ~np.isfinite(high), ~np.isfinite(low)
        high, low = np.where(no_high, middle, high), np.where(no_low, middle, low)
        ends = (
            np.where(no_high, y[..., k], above[..., k]),
            np.where(no_low, y[..., k], below[..., k]),
        )
        width = ends[0] - ends[1]
        slopes[..., k] = np.where(width > 0, (high - low) / np.where(width > 0, width, 1), np.nan)
    return slopes
