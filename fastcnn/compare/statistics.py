"""Tests and intervals that hold for models measured on shared splits.

Each function is a formula with its source; nothing here knows what a model is.
"""

from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 5_000


@dataclass(frozen=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True)
class PairedTest:
    """difference: mean of first minus second; p: two-sided; interval: of the difference."""

    difference: float
    interval: Interval
    p: float
    method: str


def corrected_t_interval(
    values: np.ndarray, test_ratio: float = 0.0, confidence: float = CONFIDENCE
) -> Interval:
    """mean +- t(J - 1) sqrt((1/J + test_ratio) s^2), s^2 the unbiased variance of the J values

    test_ratio: test images / training images where training sets of the J runs overlap, as in
        cross-validation; with 0 it is Student's interval for independent values.
    Nadeau, Bengio (2003), Inference for the Generalization Error, Machine Learning 52
    """
    from scipy.stats import t

    error = _corrected_error(values, test_ratio)
    half = float(t.ppf((1 + confidence) / 2, len(values) - 1)) * error
    return Interval(float(np.mean(values)) - half, float(np.mean(values)) + half)


def corrected_t_test(differences: np.ndarray, test_ratio: float) -> PairedTest:
    """t = mean / sqrt((1/J + test_ratio) s^2), J - 1 degrees of freedom, two-sided

    differences: of two models, split by split (J of them: folds, or repetitions times folds).
    test_ratio: test images / training images of a split. An ordinary paired t-test (ratio 0) takes
        the splits for independent, though their training sets overlap, and finds differences that
        are none far too often.
    Nadeau, Bengio (2003), Inference for the Generalization Error, Machine Learning 52;
    Bouckaert, Frank (2004), Evaluating the Replicability of Significance Tests, PAKDD
    """
    from scipy.stats import t

    mean, error = float(np.mean(differences)), _corrected_error(differences, test_ratio)
    interval = corrected_t_interval(differences, test_ratio)
    if error == 0:  # every split has the same difference
        p = 1.0 if mean == 0 else 0.0
    else:
        p = 2 * float(t.sf(abs(mean) / error, len(differences) - 1))
    return PairedTest(mean, interval, p, "Corrected resampled t-test")


def _corrected_error(values: np.ndarray, test_ratio: float) -> float:
    count = len(values)
    if count < 2:
        raise ValueError(f"{count} value: a variance needs two or more")
    return float(np.sqrt((1 / count + test_ratio) * np.var(values, ddof=1)))


def mcnemar_p(first: np.ndarray, second: np.ndarray) -> float:
    """p = min(1, 2 P(X <= min(b, c))), X ~ Binomial(b + c, 1/2)

    first, second: (images,) bool, whether two models are right about the same images;
    b, c: how many only the first, only the second is right about.
    McNemar (1947), Psychometrika 12, in its exact form; Dietterich (1998), Approximate Statistical
    Tests for Comparing Supervised Classification Learning Algorithms, Neural Computation 10
    """
    from scipy.stats import binom

    b, c = int(np.sum(first & ~second)), int(np.sum(~first & second))
    return min(1.0, 2 * float(binom.cdf(min(b, c), b + c, 0.5)))


def mcnemar_test(first: np.ndarray, second: np.ndarray) -> PairedTest:
    """McNemar's exact test on one test set, for models trained once or from several seeds.

    first, second: (seeds, images) bool. p is that of the seeds by `combine_p`, the interval of the
    difference a bootstrap over seeds and images.
    """
    differences = first.astype(np.int64) - second.astype(np.int64)
    p = combine_p([mcnemar_p(a, b) for a, b in zip(first, second, strict=True)])
    interval = bootstrap_interval(differences)
    return PairedTest(float(differences.mean()), interval, p, "McNemar's exact test")


def combine_p(values: list[float]) -> float:
    """min(1, K / k * p_(k)), k = ceil(K / 2): about twice the median

    Holds for any dependence of the K tests, such as models of K seeds on one test set.
    Rueger (1978), Das maximale Signifikanzniveau des Tests "Lehne H0 ab, wenn k unter n gegebenen
    Tests zur Ablehnung fuehren", Metrika 25; Vovk, Wang (2020), Combining p-values via averaging
    """
    rank = (len(values) + 1) // 2
    return min(1.0, len(values) / rank * sorted(values)[rank - 1])


def holm(values: list[float]) -> list[float]:
    """adjusted p_(i) = max over j <= i of min(1, (m - j + 1) p_(j)), p_(1) the smallest of m

    Keeps the chance of one or more false findings among all m below the level.
    Holm (1979), A Simple Sequentially Rejective Multiple Test Procedure, Scand. J. Statistics 6
    """
    order = np.argsort(values, kind="stable")
    factors = len(values) - np.arange(len(values))
    adjusted = np.minimum(1.0, np.maximum.accumulate(factors * np.asarray(values, float)[order]))
    result = np.empty(len(values))
    result[order] = adjusted
    return [float(p) for p in result]


def wilson_interval(successes: int, count: int, confidence: float = CONFIDENCE) -> Interval:
    """(p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), p = successes/n

    Wilson (1927), Probable Inference, J. American Statistical Association 22;
    Newcombe (1998), Two-sided confidence intervals for the single proportion, Stat. in Medicine 17
    """
    from scipy.stats import norm

    z, p = float(norm.ppf((1 + confidence) / 2)), successes / count
    middle = p + z**2 / (2 * count)
    half = z * np.sqrt(p * (1 - p) / count + z**2 / (4 * count**2))
    scale = 1 + z**2 / count
    low = 0.0 if successes == 0 else (middle - half) / scale
    high = 1.0 if successes == count else (middle + half) / scale
    return Interval(float(low), float(high))


def bootstrap_interval(
    values: np.ndarray, confidence: float = CONFIDENCE, seed: int = 0
) -> Interval:
    """Percentiles of the mean of `values` (seeds, images), seeds and images drawn anew together

    Only how often each column is drawn counts, and equal columns are one: with few different
    values a sample is one draw from a multinomial distribution.
    Efron (1979), Bootstrap Methods, Annals of Statistics 7; seeds times images: Owen (2007), The
    pigeonhole bootstrap, Annals of Applied Statistics 1
    """
    random = np.random.Generator(np.random.Philox(key=seed))
    columns, counts = np.unique(values, axis=1, return_counts=True)
    images, seeds = counts.sum(), len(values)
    draws = random.multinomial(images, counts / images, size=RESAMPLES)
    means = draws @ columns.T / images  # (resamples, seeds)
    weights = random.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES) / seeds
    return _percentiles((means * weights).sum(axis=1), confidence)


def bootstrap_f1_interval(
    confusion: np.ndarray, confidence: float = CONFIDENCE, seed: int = 0
) -> Interval:
    """Percentiles of macro F1 over test images drawn anew; confusion: (true, predicted) counts."""
    random = np.random.Generator(np.random.Philox(key=seed))
    count = confusion.sum()
    draws = random.multinomial(count, confusion.ravel() / count, size=RESAMPLES)
    return _percentiles(macro_f1(draws.reshape(-1, *confusion.shape)), confidence)


def macro_f1(confusion: np.ndarray) -> np.ndarray:
    """mean over classes of 2 TP / (2 TP + FP + FN), 0 for a class neither true nor predicted

    confusion: (..., true, predicted) counts
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    total = confusion.sum(axis=-1) + confusion.sum(axis=-2)
    return (2 * hits / np.maximum(total, 1)).mean(axis=-1)


def _percentiles(samples: np.ndarray, confidence: float) -> Interval:
    low, high = np.quantile(samples, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high))
