"""scikit-learn's digits: 1,797 grey images of 8x8 in 10 classes; needs no file and no network.

Alpaydin, Kaynak (1998), Optical Recognition of Handwritten Digits, UCI
"""

import numpy as np

from fastcnn.data.dataset import Dataset, ImageSet
from fastcnn.data.images import check_labels
from fastcnn.data.splits import split

# Fixed, so that test accuracies of different runs are over the same images.
TEST_FRACTION = 0.2
SPLIT_SEED = 0


def load_digits() -> Dataset:
    """uint8 (1438, 8, 8, 1) and (359, 8, 8, 1): the values 0..16 become round(v * 255 / 16)."""
    from sklearn import datasets

    bunch = datasets.load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[..., None]
    labels = check_labels(bunch.target, len(images))
    whole = ImageSet(images, labels, tuple("0123456789"), "digits")
    train, test = split(whole, TEST_FRACTION, SPLIT_SEED)
    return Dataset(train, test, "digits")
