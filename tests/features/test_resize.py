"""Resize."""

import numpy as np
import pytest

from fastcnn.data.resizing import resize
from fastcnn.errors import OptionError
from fastcnn.features import Resize
from tests.features.cases import photographs

IMAGES = photographs((3, 8, 6, 3))


@pytest.mark.parametrize("size", [4, (5, 9)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_each_image_by_itself(size, dtype):
    images = IMAGES.astype(dtype)
    resized = Resize(size).fit_transform(images)
    pair = (4, 4) if size == 4 else size
    assert resized.dtype == dtype
    np.testing.assert_array_equal(resized, [resize(image, pair) for image in images])


def test_grey_images_and_rows():
    grey = IMAGES[..., 0]
    expected = Resize(4).fit_transform(grey)
    assert expected.shape == (3, 4, 4)
    rows = Resize(4, input_shape=(8, 6)).fit_transform(grey.reshape(3, -1))
    np.testing.assert_array_equal(rows, expected.reshape(3, -1))


def test_names_are_of_the_new_pixels():
    names = Resize((2, 5)).fit(IMAGES).get_feature_names_out()
    assert len(names) == 30 and names[-1] == "pixel_1_4_2"


def test_wrong_size():
    with pytest.raises(OptionError, match="size must be a positive integer, not 0"):
        Resize(0).fit(IMAGES)
