import subprocess
import sys

import numpy as np
import pytest

from fastcnn.data.dataset import Dataset, ImageSet
from fastcnn.data.digits import load_digits
from fastcnn.errors import DataError
from tests.data.files import pixels

LABELS = np.array([0, 1, 1])


def image_set(shape=(3, 4, 5, 1), labels=LABELS, classes=("a", "b"), seed=0):
    return ImageSet(pixels(*shape, seed=seed), labels, classes, "few")


def test_image_set():
    images = image_set()
    assert len(images) == 3
    assert images.image_shape == (4, 5, 1)
    assert repr(images) == "<ImageSet 'few': 3 images 4x5x1 uint8, 2 classes>"
    np.testing.assert_array_equal(images.take(np.array([2, 0])).labels, [1, 0])


@pytest.mark.parametrize(
    "images, labels, message",
    [
        (pixels(3, 4, 5), LABELS, r"uint8 of shape \(3, 4, 5\); expected"),
        (pixels(3, 4, 5, 1) / 2, LABELS, "images are float64"),
        (pixels(0, 4, 5, 1), LABELS[:0], "without an empty axis"),
        (pixels(3, 4, 5, 1), LABELS[:2], r"labels are int64 of shape \(2,\); expected"),
        (pixels(3, 4, 5, 1), LABELS.astype(np.int32), "labels are int32"),
        (pixels(3, 4, 5, 2)[..., ::2], LABELS, "must be C contiguous"),
        (pixels(3, 4, 5, 1), LABELS + 1, "labels go from 1 to 2; expected 0 to 1 for 2 classes"),
        (pixels(3, 4, 5, 1), LABELS - 1, "labels go from -1"),
    ],
)
def test_bad_image_set(images, labels, message):
    with pytest.raises(DataError, match=message):
        ImageSet(images, labels, ("a", "b"), "few")


def test_fingerprint_sees_bytes_shapes_and_dtypes():
    images = image_set()
    same = ImageSet(images.images.copy(), LABELS.copy(), ("a", "b"), "other name")
    assert images.fingerprint() == same.fingerprint()
    reshaped = ImageSet(images.images.reshape(3, 5, 4, 1), LABELS, ("a", "b"), "few")
    floats = ImageSet(images.images.astype(np.float32), LABELS, ("a", "b"), "few")
    relabelled = image_set(labels=LABELS[::-1].copy())
    different = {s.fingerprint() for s in (images, reshaped, floats, relabelled, image_set(seed=1))}
    assert len(different) == 5
    assert Dataset(images, None, "d").fingerprint() != Dataset(images, same, "d").fingerprint()


def test_dataset_wants_matching_sets():
    dataset = Dataset(image_set(), image_set(seed=1), "pair")
    assert dataset.classes == ("a", "b") and dataset.image_shape == (4, 5, 1)
    with pytest.raises(
        DataError, match=r"test images are \(4, 5, 3\), training images \(4, 5, 1\)"
    ):
        Dataset(image_set(), image_set((3, 4, 5, 3)), "pair")
    with pytest.raises(DataError, match="different classes"):
        Dataset(image_set(), image_set(classes=("a", "c")), "pair")
    floats = ImageSet(np.zeros((3, 4, 5, 1), np.float32), LABELS, ("a", "b"), "floats")
    with pytest.raises(DataError, match="test images are float32, training images uint8"):
        Dataset(image_set(), floats, "pair")


def test_digits():
    dataset = load_digits()
    assert dataset.train.images.shape == (1438, 8, 8, 1)
    assert dataset.test.images.shape == (359, 8, 8, 1)
    assert dataset.classes == tuple("0123456789")
    grey = np.unique(np.concatenate([dataset.train.images.ravel(), dataset.test.images.ravel()]))
    assert grey.tolist() == [round(v * 255 / 16) for v in range(17)]
    assert np.bincount(dataset.test.labels).min() >= 34
    assert dataset.fingerprint() == DIGITS  # the same split each time and everywhere


DIGITS = "4868db19cc03b46eca50cb391cd154f06fe0960201eb2d1023fcbc6282189993"


def test_the_public_face_imports_nothing_heavy():
    heavy = "{'sklearn', 'cv2', 'pooch', 'requests', 'matplotlib', 'scipy'}"
    code = f"import sys, fastcnn.datasets; assert not {heavy} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)
