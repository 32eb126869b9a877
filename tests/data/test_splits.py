import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.data.dataset import ImageSet
from fastcnn.data.splits import part, split, split_indices
from fastcnn.errors import DataError, OptionError
from tests.data.files import pixels


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=2, max_size=80),
    st.floats(0.05, 0.95),
    st.integers(0, 2**64 - 1),
)
def test_partition_in_proportion(labels, fraction, seed):
    labels = np.array(labels)
    try:
        rest, held_out = split_indices(labels, fraction, seed)
    except DataError:
        assert round(len(labels) * fraction) == 0 or np.bincount(labels).max() == 1
        return
    np.testing.assert_array_equal(np.sort(np.concatenate([rest, held_out])), np.arange(len(labels)))
    assert (np.diff(rest) > 0).all() and (np.diff(held_out) > 0).all()
    sizes = np.bincount(labels)
    counts = np.bincount(labels[held_out], minlength=len(sizes))
    capped = counts == sizes - 1
    assert (np.abs(counts - sizes * fraction)[~capped & (sizes > 0)] < 1).all()
    assert (counts[sizes > 0] < sizes[sizes > 0]).all()
    if not capped.any():
        assert len(held_out) == round(len(labels) * fraction)


def test_seed_decides():
    labels = np.arange(100) % 7
    held_out = [split_indices(labels, 0.3, seed)[1].tolist() for seed in (3, 3, 4)]
    assert held_out[0] == held_out[1] != held_out[2]
    # Pinned: a change here changes everybody's test sets.
    assert split_indices(np.arange(12) % 2, 0.5, 0)[1].tolist() == [0, 1, 2, 8, 9, 11]


def test_a_part_in_proportion_and_within_larger_ones():
    labels = np.repeat(np.arange(3), [50, 30, 20])
    images = ImageSet(
        np.arange(100, dtype=np.uint8).reshape(-1, 1, 1, 1), labels, tuple("abc"), "x"
    )
    small, large = part(images, 10, seed=4), part(images, 50, seed=4)
    assert np.bincount(small.labels).tolist() == [5, 3, 2] and len(large) == 50
    assert set(small.images.ravel()) < set(large.images.ravel())
    assert part(images, 100) is images
    for count in (2, 101):
        with pytest.raises(OptionError, match=f"{count} of 100 images"):
            part(images, count)


def test_split_of_a_set():
    images = ImageSet(pixels(10, 3, 3, 1), np.arange(10) % 2, ("a", "b"), "ten")
    rest, held_out = split(images, 0.2, 1)
    assert (len(rest), len(held_out)) == (8, 2)
    assert held_out.classes == images.classes and held_out.name == "ten"
    _, indices = split_indices(images.labels, 0.2, 1)
    np.testing.assert_array_equal(held_out.images, images.images[indices])


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_bad_fraction(fraction):
    with pytest.raises(OptionError, match="fraction"):
        split_indices(np.arange(4), fraction)


def test_bad_seed():
    with pytest.raises(OptionError, match="seed -1"):
        split_indices(np.zeros(4, np.int64), 0.5, -1)


def test_too_few_images():
    with pytest.raises(DataError, match=r"0\.1 of 3 images in 1 classes holds no image out"):
        split_indices(np.zeros(3, np.int64), 0.1)
    with pytest.raises(DataError, match="holds no image out"):
        split_indices(np.arange(4), 0.5)
