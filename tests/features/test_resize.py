"""Resize."""

import numpy as np
import pytest

from fastcnn.data.resizing import resize
from fastcnn.errors import OptionError, ShapeError
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
    with pytest.raises(OptionError, match="size must be a positive integer up to 65535, not 0"):
        Resize(0).fit(IMAGES)


def test_photographs_of_different_sizes():
    photos = [photographs((1, h, w, 3))[0] for h, w in ((20, 30), (40, 25), (16, 16))]
    transformer = Resize(8)
    expected = np.stack([resize(photo, (8, 8)) for photo in photos])
    np.testing.assert_array_equal(transformer.fit_transform(photos), expected)
    objects = np.empty(3, object)
    objects[:] = photos
    np.testing.assert_array_equal(transformer.transform(objects), expected)
    np.testing.assert_array_equal(transformer.transform(photos[1][None]), expected[1:2])
    np.testing.assert_array_equal(Resize(8).fit(photos[0][None]).transform(photos), expected)
    floats = [photo.astype(np.float64) for photo in photos]
    assert Resize(8).fit_transform(floats).dtype == np.float32
    grey = [photo[..., 0] for photo in photos]
    assert Resize((5, 9)).fit_transform(grey).shape == (3, 5, 9)


def test_photographs_of_different_channels():
    with pytest.raises(ShapeError, match=r"X\[1\] has shape \(6, 6\), X\[0\] \(8, 6, 3\)"):
        Resize(4).fit([IMAGES[0], IMAGES[1, :6, :, 0]])
    with pytest.raises(ShapeError, match="expected channels as in"):
        Resize(4).fit(IMAGES).transform(IMAGES[..., 0])
