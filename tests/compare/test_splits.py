"""The splits: complete, stratified, nested, and the same every time."""

import numpy as np
import pytest

from fastcnn.compare.splits import (
    check_sizes,
    cross_validation,
    fold_numbers,
    held_out_test,
    largest_size,
    stratified_order,
)
from fastcnn.errors import OptionError

LABELS = np.repeat([0, 1, 2], [50, 30, 23])


def test_folds_hold_every_image_once_and_every_class():
    splits = cross_validation(LABELS, 5, None, [0])
    assert sorted(np.concatenate([s.test for s in splits])) == list(range(103))
    for split in splits:
        assert not set(split.train) & set(split.test)
        assert len(split.train) == split.size == 82
        assert len(split.test) in (20, 21)
        counts = np.bincount(LABELS[split.test])
        assert (abs(counts - [10, 6, 4.6]) < 1).all()
        assert split.test_ratio == len(split.test) / (103 - len(split.test))


def test_sizes_are_nested_and_stratified():
    for split in cross_validation(LABELS, 4, [10, 40, 20], [1, 2]):
        assert len(split.train) == split.size
        wanted = split.size * np.bincount(LABELS) / 103
        assert (abs(np.bincount(LABELS[split.train], minlength=3) - wanted) <= 1.5).all()
    by_size = {s.size: set(s.train) for s in splits_of(1, 2)}
    assert list(by_size) == [10, 20, 40]
    assert by_size[10] < by_size[20] < by_size[40]


def splits_of(seed, fold):
    return [s for s in cross_validation(LABELS, 4, [10, 40, 20], [1, 2]) if s.fold == fold][:3]


def test_folds_draw_their_smaller_sets_anew():
    small = [set(s.train) for s in cross_validation(LABELS, 4, [20], [0, 1])]
    assert len(small[0] & small[1]) < 10  # 2 / 3 of 20, if both began with the same images
    assert small[0] != small[4]


def test_the_same_numbers_everywhere():
    """Written down once: a change would make old comparisons impossible to resume."""
    assert list(fold_numbers(np.arange(12) % 2, 3, (0, 0))) == FOLDS
    assert list(stratified_order(np.arange(6) % 2, (0, 1))) == ORDER


FOLDS = [0, 2, 1, 1, 0, 0, 2, 2, 2, 1, 1, 0]
ORDER = [5, 2, 3, 4, 1, 0]


def test_one_test_set():
    splits = held_out_test(LABELS, 7, [10, 20], [0, 1])
    assert [(s.seed, s.size) for s in splits] == [(0, 10), (0, 20), (1, 10), (1, 20)]
    assert all(list(s.test) == list(range(7)) and s.test_ratio == 0 for s in splits)
    assert set(splits[0].train) != set(splits[2].train)
    assert len(held_out_test(LABELS, 7, None, [0])[0].train) == 103


@pytest.mark.parametrize("folds", [1, 24])
def test_wrong_folds(folds):
    with pytest.raises(OptionError, match="expected 2 to 23"):
        cross_validation(LABELS, folds, None, [0])


def test_wrong_sizes():
    assert largest_size(103, None) == 103 and largest_size(103, 5) == 82
    check_sizes([3, 82], 82, LABELS)
    for size in (2, 83):
        with pytest.raises(OptionError, match=r"3 \(the classes\) to 82"):
            check_sizes([size], 82, LABELS)
