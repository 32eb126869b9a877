import numpy as np
import pytest

from fastcnn import rng
from fastcnn.kernels.native import isas
from tests.kernels.compare import run

# Known answers for philox4x32-10 of the Random123 distribution: counter, key, words
KNOWN = [
    (
        "00000000 00000000 00000000 00000000",
        "00000000 00000000",
        "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    ),
    (
        "ffffffff ffffffff ffffffff ffffffff",
        "ffffffff ffffffff",
        "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


def words(text):
    return np.array([int(word, 16) for word in text.split()], np.uint32)


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_known_answers(counter, key, expected):
    np.testing.assert_array_equal(rng.philox(words(counter), words(key)), words(expected))
    arrays = {
        "counter": np.tile(words(counter), (19, 1)),
        "key": words(key),
        "words": np.zeros((19, 4), np.uint32),
    }
    for isa in isas():
        for row in run("philox", arrays, "native", 2, isa)["words"]:
            np.testing.assert_array_equal(row, words(expected))


def test_native_philox_matches_numpy():
    random = np.random.default_rng(0)
    counter = random.integers(0, 2**32, (100, 4), np.uint32)
    arrays = {
        "counter": counter,
        "key": random.integers(0, 2**32, 2, np.uint32),
        "words": np.zeros_like(counter),
    }
    expected = run("philox", arrays, "reference")["words"]
    for isa in isas():
        for threads in (1, 2, 3):
            np.testing.assert_array_equal(
                run("philox", arrays, "native", threads, isa)["words"], expected
            )


def test_philox_broadcasts():
    table = rng.philox((np.arange(3)[:, None], np.arange(5), 7, 8), (1, 2))
    assert table.shape == (3, 5, 4)
    np.testing.assert_array_equal(table[2, 4], rng.philox((2, 4, 7, 8), (1, 2)))


@pytest.mark.parametrize("n", [0, 1, 2, 7, 1000])
def test_permutation(n):
    order = rng.permutation(3, 5, n)
    assert order.dtype == np.int64
    np.testing.assert_array_equal(np.sort(order), np.arange(n))
    np.testing.assert_array_equal(order, rng.permutation(3, 5, n))


def test_permutations_differ_by_seed_and_epoch():
    orders = {
        tuple(rng.permutation(seed, epoch, 50)) for seed in (0, 1, -1, 2**40) for epoch in range(3)
    }
    assert len(orders) == 12


def test_permutation_is_fair():
    places = np.stack([rng.permutation(0, epoch, 5) for epoch in range(4000)])
    counts = np.stack([np.bincount(column, minlength=5) for column in places.T])
    assert np.abs(counts - 800).max() < 5 * np.sqrt(800 * 0.8)


def test_uniform_and_normal():
    u, z = rng.uniform(1, 2, (100, 1000)), rng.normal(1, 2, (100, 1000))
    assert u.dtype == z.dtype == np.float32
    assert u.shape == z.shape == (100, 1000)
    assert u.min() >= 0 and u.max() < 1
    assert abs(u.mean() - 0.5) < 0.005 and abs(z.mean()) < 0.02 and abs(z.std() - 1) < 0.01
    np.testing.assert_array_equal(z, rng.normal(1, 2, (100, 1000)))
    assert not np.array_equal(z, rng.normal(1, 3, (100, 1000)))
    assert not np.array_equal(z, rng.normal(2, 2, (100, 1000)))
