import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.data.cifar import (
    CIFAR10_CLASSES,
    CIFAR100_CLASSES,
    load_cifar10_folder,
    load_cifar100_folder,
    read_cifar10,
    read_cifar100,
)
from fastcnn.errors import DataError
from tests.data.files import cifar_records, pixels, write, write_cifar10, write_cifar100

IMAGES = pixels(3, 32, 32, 3)


@pytest.mark.parametrize("gz", [False, True])
def test_read_cifar10(tmp_path, gz):
    path = write(tmp_path / "b.bin", cifar_records(IMAGES, np.array([9, 0, 4])), gz)
    images, labels = read_cifar10(path)
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, [9, 0, 4])
    assert (images.dtype, labels.dtype) == (np.uint8, np.int64)
    assert images.flags.c_contiguous


def test_read_cifar100_takes_the_fine_labels(tmp_path):
    data = cifar_records(IMAGES, np.array([19, 0, 4]), np.array([99, 50, 7]))
    images, labels = read_cifar100(write(tmp_path / "train.bin", data))
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, [99, 50, 7])


def test_classes():
    assert len(CIFAR10_CLASSES) == 10
    assert len(set(CIFAR100_CLASSES)) == 100
    assert list(CIFAR100_CLASSES) == sorted(CIFAR100_CLASSES)


@pytest.mark.parametrize("gz", [False, True])
def test_folders(tmp_path, gz):
    dataset = load_cifar10_folder(write_cifar10(tmp_path / "10", gz=gz))
    assert dataset.train.images.shape == (10, 32, 32, 3)
    np.testing.assert_array_equal(dataset.train.labels, [0, 1, 1, 2, 2, 3, 3, 4, 4, 5])
    np.testing.assert_array_equal(dataset.test.labels, [5, 6])
    np.testing.assert_array_equal(dataset.test.images, pixels(2, 32, 32, 3, seed=5))
    dataset = load_cifar100_folder(write_cifar100(tmp_path / "100", gz=gz))
    assert (len(dataset.train), len(dataset.test), len(dataset.classes)) == (6, 3, 100)


GOOD = cifar_records(IMAGES, np.array([9, 0, 4]))
BAD = {
    "empty": (b"", "0 bytes; expected whole records of 3,073 bytes"),
    "truncated": (GOOD[:-1], "9,218 bytes; expected whole records of 3,073 bytes"),
    "long": (GOOD + b"!", "9,220 bytes"),
    "label": (GOOD[: 2 * 3073] + b"\x0a" + GOOD[2 * 3073 + 1 :], "label 10 in record 2; .* 0 to 9"),
}


@pytest.mark.parametrize("data, message", BAD.values(), ids=BAD)
@pytest.mark.parametrize("gz", [False, True])
def test_bad_file(tmp_path, data, message, gz):
    path = write(tmp_path / "b.bin", data, gz)
    with pytest.raises(DataError, match=message) as error:
        read_cifar10(path)
    assert str(path) in str(error.value)


def test_bad_labels_of_cifar100(tmp_path):
    data = cifar_records(IMAGES, np.array([0, 20, 0]), np.array([0, 0, 0]))
    with pytest.raises(DataError, match="coarse label 20 in record 1; expected 0 to 19"):
        read_cifar100(write(tmp_path / "a.bin", data))
    data = cifar_records(IMAGES, np.array([0, 0, 0]), np.array([100, 0, 0]))
    with pytest.raises(DataError, match="fine label 100 in record 0; expected 0 to 99"):
        read_cifar100(write(tmp_path / "b.bin", data))


def test_more_records_than_the_format_has(tmp_path):
    bomb = write(tmp_path / "b.bin", bytes(3073 * 10_000 + 1), gz=True)
    with pytest.raises(DataError, match="longer than the expected 30,730,000 bytes"):
        read_cifar10(bomb)


def test_missing_file(tmp_path):
    (write_cifar10(tmp_path) / "data_batch_3.bin").unlink()
    with pytest.raises(DataError, match=r"no data_batch_3.bin \(gz or not\)"):
        load_cifar10_folder(tmp_path)


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=60), st.integers(0, 3073), st.booleans(), st.sampled_from([1, 2]))
def test_fuzz(tmp_path_factory, noise, at, gz, labels):
    data = gzip.compress(GOOD)[:at] + noise if gz else GOOD[:at] + noise + GOOD[at + len(noise) :]
    path = write(tmp_path_factory.getbasetemp() / "fuzz.bin", data)
    try:
        (read_cifar10 if labels == 1 else read_cifar100)(path)
    except DataError as error:
        assert "\n" not in str(error)
