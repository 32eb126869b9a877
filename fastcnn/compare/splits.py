"""The splits that every model of a comparison sees: the same for the same seed, everywhere."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fastcnn.errors import OptionError


@dataclass(frozen=True, eq=False)
class Split:
    """Indices of training and test images; `fold` counts from 0.

    test_ratio: test images over training images, as the corrected t-test wants it; 0 for a test
        set of its own.
    """

    seed: int
    fold: int
    size: int
    train: np.ndarray
    test: np.ndarray
    test_ratio: float


def stratified_order(labels: np.ndarray, key: Sequence[int]) -> np.ndarray:
    """A shuffled order of which every beginning has all classes in proportion."""
    keys = _random_keys(len(labels), key)
    by_class = np.lexsort((keys, labels))
    sizes = np.bincount(labels)
    rank = np.empty(len(labels))
    rank[by_class] = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.lexsort((keys, (rank + 0.5) / sizes[labels]))


def fold_numbers(labels: np.ndarray, folds: int, key: Sequence[int]) -> np.ndarray:
    """For each image the fold that tests on it: equal sizes, each class spread evenly."""
    by_class = np.lexsort((_random_keys(len(labels), key), labels))
    numbers = np.empty(len(labels), np.int64)
    numbers[by_class] = np.arange(len(labels)) % folds
    return numbers


def _random_keys(count: int, key: Sequence[int]) -> np.ndarray:
    # Raw bits of a bit generator are the only random numbers NumPy promises never to change.
    return np.random.Philox(key=key).random_raw(count)


def cross_validation(
    labels: np.ndarray, folds: int, sizes: Sequence[int] | None, seeds: Sequence[int]
) -> list[Split]:
    """Folds anew for each seed; in a fold, larger training sets contain the smaller ones.

    sizes: of training sets, each class in proportion; None: all images of the other folds, but for
        one where folds differ by one.

    Smaller sets are drawn anew in each fold, so two folds' sets share no larger part than whole
    folds do; `test_ratio` is that of whole folds, which for smaller sets errs on the safe side.
    """
    _check_folds(labels, folds)
    sizes = sizes or [largest_size(len(labels), folds)]
    splits = []
    for seed in seeds:
        numbers = fold_numbers(labels, folds, (seed, 0))
        for fold in range(folds):
            pool, test = np.flatnonzero(numbers != fold), np.flatnonzero(numbers == fold)
            ratio = len(test) / len(pool)
            for size, train in nested(labels, pool, sizes, (seed, fold + 1)):
                splits.append(Split(seed, fold, size, train, test, ratio))
    return splits


def held_out_test(
    labels: np.ndarray, test_count: int, sizes: Sequence[int] | None, seeds: Sequence[int]
) -> list[Split]:
    """One test set; a seed draws other training sets, nested, of these sizes."""
    pool, test = np.arange(len(labels)), np.arange(test_count)
    sizes = sizes or [len(labels)]
    return [
        Split(seed, 0, size, train, test, 0.0)
        for seed in seeds
        for size, train in nested(labels, pool, sizes, (seed, 0))
    ]


def nested(
    labels: np.ndarray, pool: np.ndarray, sizes: Sequence[int], key: Sequence[int]
) -> list[tuple[int, np.ndarray]]:
    """(size, indices in ascending order); each size holds all images of the smaller ones."""
    order = pool[stratified_order(labels[pool], key)]
    return [(size, np.sort(order[:size])) for size in sorted(sizes)]


def check_sizes(sizes: Sequence[int], most: int, labels: np.ndarray) -> None:
    classes = len(np.unique(labels))
    for size in sizes:
        if not classes <= size <= most:
            raise OptionError(
                f"size {size:,}: training sets have {classes:,} (the classes) to {most:,} images"
            )


def largest_size(count: int, folds: int | None) -> int:
    """How many images can be trained on, in every fold."""
    return count if folds is None else count - -(-count // folds)


def _check_folds(labels: np.ndarray, folds: int) -> None:
    sizes = np.bincount(labels)
    least = int(sizes[sizes > 0].min())
    if not 2 <= folds <= least:
        raise OptionError(
            f"{folds} folds; expected 2 to {least}, the number of images of the smallest class"
        )
