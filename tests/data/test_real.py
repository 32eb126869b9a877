"""The real sets, where FASTCNN_DATA says they are."""

from pathlib import Path

import numpy as np
import pytest

from fastcnn.data.load import SOURCES, load_dataset
from tests.data.conftest import REAL_DATA

EXPECTED = {  # training and test images, image shape, first training labels
    "mnist": (60_000, 10_000, (28, 28, 1), [5, 0, 4, 1, 9]),
    "fashion-mnist": (60_000, 10_000, (28, 28, 1), [9, 0, 0, 3, 0]),
    "cifar10": (50_000, 10_000, (32, 32, 3), [6, 9, 9, 4, 1]),
    "cifar100": (50_000, 10_000, (32, 32, 3), [19, 29, 0, 11, 1]),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_real_set(name):
    if not REAL_DATA:
        pytest.skip("FASTCNN_DATA is not set")
    source = SOURCES[name]
    if all(source.missing(Path(REAL_DATA) / folder) for folder in source.folders):
        pytest.skip(f"FASTCNN_DATA has no {name}")
    dataset = load_dataset(name, REAL_DATA, download=False)
    train, test, shape, labels = EXPECTED[name]
    assert (len(dataset.train), len(dataset.test)) == (train, test)
    assert dataset.image_shape == shape
    assert dataset.train.labels[:5].tolist() == labels
    for images in (dataset.train, dataset.test):
        counts = np.bincount(images.labels)
        assert len(counts) == len(dataset.classes)
        # MNIST's classes differ in size, the others' do not.
        assert name == "mnist" or (counts == counts[0]).all()
