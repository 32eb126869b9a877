"""ImageScaler."""

import numpy as np
import pytest

from fastcnn.errors import DataError, OptionError
from fastcnn.features import ImageScaler
from tests.features.cases import photographs

IMAGES = photographs((6, 5, 4, 3))


def test_standard():
    scaled = ImageScaler().fit_transform(IMAGES)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled.mean((0, 1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(scaled.std((0, 1, 2)), 1, rtol=1e-5)


def test_numbers_of_fit_are_used_later():
    scaler = ImageScaler().fit(IMAGES)
    expected = (IMAGES[:1] - IMAGES.mean((0, 1, 2))) / IMAGES.std((0, 1, 2))
    np.testing.assert_allclose(scaler.transform(IMAGES[:1]), expected, atol=1e-6)


def test_minmax_and_unit():
    scaled = ImageScaler("minmax").fit_transform(IMAGES)
    np.testing.assert_allclose([scaled.min(), scaled.max()], [0, 1], atol=1e-6)
    np.testing.assert_allclose(ImageScaler("unit").fit_transform(IMAGES), IMAGES / 255, rtol=1e-6)
    floats = IMAGES / np.float32(100)
    np.testing.assert_array_equal(ImageScaler("unit").fit_transform(floats), floats)


@pytest.mark.parametrize("method", ["standard", "minmax"])
def test_a_channel_of_one_value_becomes_zero(method):
    assert (ImageScaler(method).fit_transform(np.full((2, 3, 3), 9, np.uint8)) == 0).all()


@pytest.mark.parametrize("shape", [(6, 5, 12), (6, 60), (6, 5, 4, 3)])
def test_images_come_out_as_they_came_in(shape):
    options = {"input_shape": (5, 4, 3)} if len(shape) == 2 else {}
    assert ImageScaler(**options).fit_transform(IMAGES.reshape(shape)).shape == shape


def test_tables_have_a_column_for_each_pixel():
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    table = ImageScaler().set_output(transform="pandas").fit_transform(IMAGES)
    assert isinstance(table, pd.DataFrame) and table.shape == (6, 60)
    assert list(table.columns[:4]) == ["pixel_0_0_0", "pixel_0_0_1", "pixel_0_0_2", "pixel_0_1_0"]


def test_unknown_method():
    with pytest.raises(OptionError, match=r"unknown method 'max'.*minmax"):
        ImageScaler("max").fit(IMAGES)


@pytest.mark.parametrize("method", ["standard", "minmax", "unit"])
def test_each_array_is_taken_by_its_own_dtype(method):
    """Fitted on bytes, fractions give the same; whole numbers by value are another scale."""
    bytes_ = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 2)).astype(np.uint8)
    scaler = ImageScaler(method).fit(bytes_)
    right = scaler.transform(bytes_)
    np.testing.assert_allclose(scaler.transform(bytes_ / 255), right, atol=1e-5)
    with pytest.raises(DataError, match="fit was trained on 0 to 1: divide them by 255"):
        scaler.transform(bytes_.astype(int))
    by_value = ImageScaler(method).fit(bytes_.astype(int))
    np.testing.assert_allclose(
        by_value.transform(bytes_), by_value.transform(bytes_.astype(int)), atol=1e-5
    )
    with pytest.raises(DataError, match="multiply them by 255"):
        by_value.transform(bytes_ / 255)
