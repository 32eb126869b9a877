"""From the results of jobs to figures with intervals, and tests between models."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from fastcnn.compare.measure import DONE, confusion
from fastcnn.compare.measures import MEASURES
from fastcnn.compare.splits import Split
from fastcnn.compare.statistics import (
    Interval,
    PairedTest,
    bootstrap_f1_interval,
    bootstrap_interval,
    corrected_t_interval,
    corrected_t_test,
    holm,
    mcnemar_test,
    wilson_interval,
)

Results = list[dict[str, Any]]
AMOUNTS = (
    *("fit_seconds", "cpu_seconds", "image_seconds", "memory_bytes", "model_bytes"),
    "energy_joules",
)


class Runs:
    """All runs of one model on training sets of one size, in the order of the splits."""

    def __init__(
        self, model: str, size: int, splits: Sequence[Split], results: Results, labels: np.ndarray
    ) -> None:
        self.model, self.size, self.splits = model, size, splits
        found = {(r["seed"], r["fold"]): r for r in results}
        self.results = [found[s.seed, s.fold] for s in splits if (s.seed, s.fold) in found]
        self.done = [r for r in self.results if r["status"] == DONE]
        self.failed = [r for r in self.results if r["status"] != DONE]
        self.labels = labels

    @property
    def complete(self) -> bool:
        """Only then it can be tested against others: all see the same splits."""
        return len(self.done) == len(self.splits)

    @property
    def test_ratio(self) -> float:
        return float(np.mean([split.test_ratio for split in self.splits]))

    def values(self, name: str) -> np.ndarray:
        return np.array([r[name] for r in self.done if r[name] is not None], np.float64)

    def truth(self) -> np.ndarray:
        """Labels of all test images, run after run; `said` are the answers."""
        tests = {(s.seed, s.fold): s.test for s in self.splits}
        return np.concatenate([self.labels[tests[r["seed"], r["fold"]]] for r in self.done])

    def said(self) -> np.ndarray:
        return np.concatenate([r["predicted"] for r in self.done]).astype(np.int64)

    def images(self) -> np.ndarray:
        tests = {(s.seed, s.fold): s.test for s in self.splits}
        return np.concatenate([tests[r["seed"], r["fold"]] for r in self.done])

    def right(self) -> np.ndarray:
        """(seeds, images) on one test set: whether the answer was right."""
        return (self.truth() == self.said()).reshape(len(self.done), -1)

    def confusion(self, classes: int) -> np.ndarray:
        """(true, predicted) counts over all runs."""
        return confusion(self.truth(), self.said(), classes)


def collect(
    models: Sequence[str], splits: Sequence[Split], results: Results, test_labels: np.ndarray
) -> list[Runs]:
    """Sizes ascending, models in the order given."""
    return [
        Runs(
            model,
            size,
            [split for split in splits if split.size == size],
            [r for r in results if r["model"] == model and r["size"] == size],
            test_labels,
        )
        for size in sorted({split.size for split in splits})
        for model in models
    ]


def row(runs: Runs, classes: int) -> dict[str, Any]:
    """Mean and interval of each measure, as JSON."""
    found = {"model": runs.model, "size": runs.size, "runs": len(runs.done)}
    figures = {measure.name: _figure(runs, measure.name, classes) for measure in MEASURES}
    errors = dict.fromkeys(r["error"] for r in runs.failed)
    return {**found, **figures, "failed": len(runs.failed), "errors": list(errors)}


def _figure(runs: Runs, name: str, classes: int) -> dict[str, float | None] | None:
    values = runs.values(name)
    if not len(values):
        return None
    interval = _interval(runs, name, values, classes)
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    return {"mean": float(values.mean()), "low": low, "high": high}


def _interval(runs: Runs, name: str, values: np.ndarray, classes: int) -> Interval | None:
    """Of cross-validation by the corrected t; of one test set over its images too, where it can."""
    if runs.test_ratio == 0 and name == "test_accuracy":
        right = runs.right()
        if len(right) == 1:
            return wilson_interval(int(right.sum()), right.size)
        return bootstrap_interval(right.astype(np.int64))
    if runs.test_ratio == 0 and name == "macro_f1" and len(values) == 1:
        return bootstrap_f1_interval(_seen(runs.confusion(classes)))
    if len(values) < 2:
        return None
    if name in AMOUNTS and values.min() > 0:  # they spread by factors, and are never negative
        interval = corrected_t_interval(np.log(values), runs.test_ratio)
        return Interval(math.exp(interval.low), math.exp(interval.high))
    return _within_bounds(name, corrected_t_interval(values, runs.test_ratio))


def _seen(matrix: np.ndarray) -> np.ndarray:
    seen = np.flatnonzero(matrix.sum(axis=0) + matrix.sum(axis=1))
    return matrix[np.ix_(seen, seen)]


def _within_bounds(name: str, interval: Interval) -> Interval:
    """Nothing here is below 0, and shares are not above 1."""
    share = name in ("test_accuracy", "train_accuracy", "macro_f1", "calibration_error")
    return Interval(max(0.0, interval.low), min(1.0, interval.high) if share else interval.high)


def tests(collected: Sequence[Runs]) -> list[dict[str, Any]]:
    """All pairs of models at each size, p adjusted by Holm over the pairs of that size."""
    found = []
    for size in sorted({runs.size for runs in collected}):
        complete = [runs for runs in collected if runs.size == size and runs.complete]
        pairs = [(a, b, _test(a, b)) for a, b in combinations(complete, 2)]
        pairs = [(a, b, test) for a, b, test in pairs if test is not None]
        adjusted = holm([test.p for _, _, test in pairs if test is not None])
        for (a, b, test), p in zip(pairs, adjusted, strict=True):
            assert test is not None
            found.append(
                {
                    "size": size,
                    "first": a.model,
                    "second": b.model,
                    "difference": test.difference,
                    "low": test.interval.low,
                    "high": test.interval.high,
                    "p": test.p,
                    "p_adjusted": p,
                    "method": test.method,
                }
            )
    return found


def _test(a: Runs, b: Runs) -> PairedTest:
    if a.test_ratio == 0:
        return mcnemar_test(a.right(), b.right())
    return corrected_t_test(a.values("test_accuracy") - b.values("test_accuracy"), a.test_ratio)


def class_rows(runs: Runs, classes: Sequence[str]) -> list[dict[str, Any]]:
    """Precision, recall and F1 of each class, over all runs."""
    matrix = runs.confusion(len(classes))
    hits, true, told = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    return [
        {
            "model": runs.model,
            "class": name,
            "images": int(true[k]),
            "precision": _share(hits[k], told[k]),
            "recall": _share(hits[k], true[k]),
            "f1": _share(2 * hits[k], true[k] + told[k]),
        }
        for k, name in enumerate(classes)
    ]


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None


def confused_pairs(runs: Runs, classes: int, pairs: int, pictures: int) -> list[dict[str, Any]]:
    """What is taken for something else most often, with the test images that show it.

    Images that several runs get wrong in the same way come first.
    """
    matrix = runs.confusion(classes)
    wrong = matrix - np.diag(matrix.diagonal())
    order = np.argsort(-wrong, axis=None, kind="stable")[:pairs]
    truth, said, images = runs.truth(), runs.said(), runs.images()
    found = []
    for true, told in zip(*np.unravel_index(order, wrong.shape), strict=True):
        if not wrong[true, told]:
            continue
        which, times = np.unique(images[(truth == true) & (said == told)], return_counts=True)
        shown = which[np.argsort(-times, kind="stable")][:pictures]
        found.append(
            {
                "true": int(true),
                "told": int(told),
                "count": int(wrong[true, told]),
                "share": float(wrong[true, told] / matrix[true].sum()),
                "images": shown.tolist(),
            }
        )
    return found


def mean_curves(runs: Runs) -> dict[str, list[float]]:
    """Figures by epoch, the mean over runs, as far as all of them go."""
    curves = [r["curves"] for r in runs.done if r["curves"]]
    if not curves:
        return {}
    names = [name for name in curves[0] if all(name in c for c in curves)]
    length = {name: min(len(c[name]) for c in curves) for name in names}
    return {
        name: np.mean([c[name][: length[name]] for c in curves], axis=0).tolist() for name in names
    }
