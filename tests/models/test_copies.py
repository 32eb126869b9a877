"""Models that are pickled, copied, and used by several threads at once."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fastcnn import Sequential
from fastcnn.layers import Conv2D, Dense, Dropout, Flatten

RANDOM = np.random.default_rng(0)
IMAGES, LABELS = RANDOM.random((60, 6, 6, 1), np.float32), np.arange(60) % 3


@pytest.fixture
def model():
    layers = [Conv2D(3, 3), Dropout(0.3), Flatten(), Dense(3, activation="softmax")]
    made = Sequential(layers, (6, 6, 1), seed=1, threads=2)
    made.compile("adam")
    made.fit(IMAGES, LABELS, epochs=1, verbose=0)
    return made


@pytest.mark.parametrize("way", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_go_on_with_the_same_bits(model, way):
    other = way(model)
    assert other.threads == 2 and other.history.history == model.history.history
    before = model.predict(IMAGES)
    other.fit(IMAGES, LABELS, epochs=2, verbose=0)
    np.testing.assert_array_equal(model.predict(IMAGES), before, "copies share no parameters")
    model.fit(IMAGES, LABELS, epochs=2, verbose=0)
    np.testing.assert_array_equal(other.predict(IMAGES), model.predict(IMAGES))


def test_threads_predict_at_the_same_time(model):
    parts = [IMAGES[k : k + 20] for k in range(40)]
    expected = [model.predict(part) for part in parts]
    with ThreadPoolExecutor(4) as pool:
        for got, want in zip(pool.map(model.predict, parts), expected, strict=True):
            np.testing.assert_array_equal(got, want)
