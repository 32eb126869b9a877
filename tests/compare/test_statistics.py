"""Tests and intervals against published numbers, and against SciPy's and statsmodels'."""

import numpy as np
import pytest

from fastcnn.compare.splits import cross_validation
from fastcnn.compare.statistics import (
    bootstrap_f1_interval,
    bootstrap_interval,
    combine_p,
    corrected_t_interval,
    corrected_t_test,
    holm,
    macro_f1,
    mcnemar_p,
    mcnemar_test,
    wilson_interval,
)

# Differences of ten folds. t = 0.017 / sqrt((1/10 + 1/9) * 0.00022333), p from tables of t(9).
DIFFERENCES = np.array([0.02, 0.01, 0.03, -0.01, 0.02, 0.04, 0.00, 0.01, 0.02, 0.03])


def test_corrected_t():
    test = corrected_t_test(DIFFERENCES, 10 / 90)
    assert test.difference == pytest.approx(0.017)
    assert test.p == pytest.approx(0.035233052530102026, rel=1e-9)
    assert test.interval.low == pytest.approx(0.0014670088829177499)
    assert test.interval.high == pytest.approx(0.032532991117082244)
    assert corrected_t_test(-DIFFERENCES, 10 / 90).p == test.p


def test_without_overlap_it_is_students_t():
    """scipy.stats.ttest_1samp and t.interval of the same numbers."""
    assert corrected_t_test(DIFFERENCES, 0).p == pytest.approx(0.005772929338081447)
    interval = corrected_t_interval(DIFFERENCES)
    assert interval.low == pytest.approx(0.0063094623310089755)
    assert interval.high == pytest.approx(0.02769053766899102)


def test_equal_differences_have_no_variance():
    assert corrected_t_test(np.zeros(5), 0.25).p == 1
    assert corrected_t_test(np.full(5, 0.5), 0.25).p == 0
    with pytest.raises(ValueError, match="two or more"):
        corrected_t_test(np.zeros(1), 0.25)


def rights(both, first, second, neither=0):
    counts = (both, first, second, neither)
    return (np.repeat([1, 1, 0, 0], counts) == 1), (np.repeat([1, 0, 1, 0], counts) == 1)


@pytest.mark.parametrize(
    ("b", "c", "p"),
    [
        (150, 86, 3.7159361395713866e-05),  # Agresti's approval ratings; statsmodels' exact p
        (4, 13, 0.049041748046875),
        (7, 7, 1.0),
        (0, 0, 1.0),
        (0, 6, 2 / 64),
    ],
)
def test_mcnemar(b, c, p):
    first, second = rights(30, b, c, 9)
    assert mcnemar_p(first, second) == pytest.approx(p)
    assert mcnemar_p(second, first) == pytest.approx(p)


def test_mcnemar_of_several_seeds():
    first, second = rights(794, 150, 86, 570)  # 944 and 880 of 1,600
    test = mcnemar_test(np.stack([first] * 3), np.stack([second] * 3))
    assert test.difference == pytest.approx(64 / 1600)
    assert test.p == pytest.approx(1.5 * 3.7159361395713866e-05)
    # Newcombe (1998), Improved confidence intervals for paired data: 0.021 to 0.059 by Wald
    assert (test.interval.low, test.interval.high) == pytest.approx((0.0213, 0.0587), abs=0.002)


def test_combined_p():
    assert combine_p([0.03]) == 0.03
    assert combine_p([0.5, 0.01]) == 0.02
    assert combine_p([0.9, 0.02, 0.01]) == pytest.approx(0.03)
    assert combine_p([0.9, 0.8, 0.7]) == 1


@pytest.mark.parametrize(
    ("given", "adjusted"),
    [  # R: p.adjust(p, "holm"); statsmodels: multipletests(p, method="holm")
        ([0.01, 0.02, 0.03, 0.04, 0.05], [0.05, 0.08, 0.09, 0.09, 0.09]),
        ([0.04, 0.01, 0.03, 0.005], [0.06, 0.03, 0.06, 0.02]),
        ([0.7], [0.7]),
        ([0.6, 0.5], [1.0, 1.0]),
        ([], []),
    ],
)
def test_holm(given, adjusted):
    assert holm(given) == pytest.approx(adjusted)


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [  # Newcombe (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 1 - 0.1170, 1.0),
    ],
)
def test_wilson(hits, count, low, high):
    interval = wilson_interval(hits, count)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=6e-5)


def test_bootstrap_of_one_seed_is_the_binomial_interval():
    """scipy.stats.binom(200, 0.8).ppf([0.025, 0.975]) / 200 = 0.745, 0.855."""
    interval = bootstrap_interval(np.arange(200)[None] % 5 > 0)
    assert (interval.low, interval.high) == pytest.approx((0.745, 0.855), abs=0.006)
    assert bootstrap_interval(np.arange(200)[None] % 5 > 0) == interval


def test_bootstrap_sees_the_seeds():
    """Without a spread over images there is still that over seeds: thirds of 0 and 1."""
    interval = bootstrap_interval(np.repeat([[0], [1], [1]], 50, axis=1))
    assert (interval.low, interval.high) == pytest.approx((0, 1))


def test_macro_f1():
    from sklearn.metrics import confusion_matrix, f1_score

    random = np.random.default_rng(0)
    truth, said = random.integers(0, 4, (2, 60))
    said[:20] = truth[:20]
    matrix = confusion_matrix(truth, said)
    assert macro_f1(matrix) == pytest.approx(f1_score(truth, said, average="macro"))
    interval = bootstrap_f1_interval(matrix)
    assert interval.low < macro_f1(matrix) < interval.high
    assert macro_f1(np.array([[5, 0], [0, 0]])) == 0.5  # a class that nobody saw


def nearest_mean_accuracy(x, y, split):
    first, second = (x[split.train][y[split.train] == c].mean(axis=0) for c in (0, 1))
    weights = second - first
    told = x[split.test] @ weights > (first + second) @ weights / 2
    return (told == y[split.test]).mean()


def test_models_that_are_equally_good():
    """Of 100 comparisons about 5 may find a difference that is none, not 20 or more.

    Two classifiers see other halves of features that tell as much; 5 folds, repeated 3 times,
    with small and with whole training sets.
    """
    random = np.random.default_rng(1)
    labels = np.arange(300) % 2
    found = {(size, corrected): 0 for size in (40, 240) for corrected in (False, True)}
    for repeat in range(100):
        x = random.normal(size=(300, 10)) + 0.3 * labels[:, None]
        splits = cross_validation(labels, 5, [40, 240], range(3 * repeat, 3 * repeat + 3))
        for size in (40, 240):
            chosen = [split for split in splits if split.size == size]
            halves = [
                [nearest_mean_accuracy(h, labels, s) for s in chosen] for h in np.split(x, 2, 1)
            ]
            differences = np.subtract(*halves)
            for corrected in (False, True):
                ratio = chosen[0].test_ratio if corrected else 0
                found[size, corrected] += corrected_t_test(differences, ratio).p < 0.05
    assert max(found[40, True], found[240, True]) <= 7
    assert min(found[40, False], found[240, False]) >= 10
