import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.data.images import check_images, check_labels, read_images, read_picture
from fastcnn.data.picture_options import PictureOptions
from fastcnn.data.resizing import resize, resize_images
from fastcnn.errors import DataError, OptionError
from tests.data.files import pixels, write, write_picture

X = pixels(5, 4, 6, 3)


def test_accepted_forms():
    assert check_images(X) is X
    np.testing.assert_array_equal(check_images(X.transpose(0, 3, 1, 2), "channels_first"), X)
    np.testing.assert_array_equal(check_images(X[..., 0]), X[..., :1])
    np.testing.assert_array_equal(check_images(X[..., 0], "channels_first"), X[..., :1])
    np.testing.assert_array_equal(check_images(list(X)), X)
    np.testing.assert_array_equal(check_images(X.astype(float).tolist()), X.astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4", np.longdouble])
def test_floats_become_float32(dtype):
    images = check_images((X / 300).astype(dtype))
    assert images.dtype == np.float32 and images.dtype.isnative
    np.testing.assert_array_equal(images, (X / 300).astype(dtype).astype(np.float32))


def test_result_is_contiguous_and_input_untouched():
    x = X.copy()
    x.flags.writeable = False
    for images in (x[:, ::2], x[..., ::-1], x.transpose(0, 2, 1, 3)):
        checked = check_images(images)
        assert checked.flags.c_contiguous
        np.testing.assert_array_equal(checked, images)
    np.testing.assert_array_equal(x, X)


def with_value(value, dtype=np.float32):
    images = np.zeros((3, 4, 5, 2), dtype)
    images[1, 2, 3, 1] = images[2, 0, 0, 0] = value
    return images


BAD_IMAGES = {
    "nan": (with_value(np.nan), r"images\[1, 2, 3, 1\] is nan; expected finite float32"),
    "inf": (with_value(-np.inf), r"images\[1, 2, 3, 1\] is -inf"),
    "too large": (with_value(1e300, np.float64), r"images\[1, 2, 3, 1\] is inf"),
    "text": (np.full((2, 2, 2), "a"), "images are <U1"),
    "complex": (X * 1j, "images are complex128"),
    "axes": (X[0, 0], r"shape \(6, 3\); expected \(N, H, W, C\) or \(N, H, W\)"),
    "number": (3.0, r"shape \(\)"),
    "none": (None, "no array of numbers"),
    "no images": (X[:0], r"no images \(shape \(0, 4, 6, 3\)\)"),
    "empty list": ([], "no images"),
    "empty images": (X[:, :0], "empty images"),
    "mixed channels": ([X[0], X[1, ..., :1]], r"images\[1\] has shape \(4, 6, 1\), images\[0\] "),
    "mixed sizes": ([X[0], X[1], X[2, 1:]], r"images\[2\] has shape \(3, 6, 3\)"),
    "ragged": ([[[1.0, 2.0], [3.0]]], "no array of numbers"),
}


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint16", "bool", "float16", "float64"])
def test_all_numbers_but_uint8_are_taken_by_value(dtype):
    images = (X // 128).astype(dtype)
    checked = check_images(images)
    assert checked.dtype == np.float32
    np.testing.assert_array_equal(checked, images.astype(np.float32))
    assert check_images(images, dtype="float64").dtype == np.float64


def test_numbers_whose_sum_is_infinite():
    images = np.full((2, 4, 5, 1), 3e38, np.float32)
    images[1] = -3e38
    np.testing.assert_array_equal(check_images(images), images)


@pytest.mark.parametrize("images, message", BAD_IMAGES.values(), ids=BAD_IMAGES)
def test_bad_images(images, message):
    with pytest.raises(DataError, match=message):
        check_images(images)


def test_bad_data_format():
    with pytest.raises(OptionError, match="did you mean 'channels_last'"):
        check_images(X, "channel_last")


def test_labels():
    labels = check_labels(np.array([[2], [0], [1]], np.uint8), 3, 3)
    assert labels.dtype == np.int64 and labels.shape == (3,)
    np.testing.assert_array_equal(check_labels([0, 5], 2), [0, 5])


BAD_LABELS = {
    "negative": ([0, 1, -1], r"labels\[2\] is -1; expected 0 to 2"),
    "too large": ([0, 3, 1], r"labels\[1\] is 3; expected 0 to 2"),
    "beyond int64": (
        np.array([0, 0, 2**64 - 1], np.uint64),
        r"labels\[2\] is 18446744073709551615",
    ),
    "floats": ([0.0, 1.0, 2.0], "labels are float64; expected integers from 0"),
    "text": (["a", "b", "c"], "labels are <U1"),
    "count": ([0, 1], "2 labels for 3 images"),
    "one-hot": (
        np.eye(3),
        r"labels have shape \(3, 3\); expected \(3,\), one per image; of one-hot",
    ),
}


@pytest.mark.parametrize("labels, message", BAD_LABELS.values(), ids=BAD_LABELS)
def test_bad_labels(labels, message):
    with pytest.raises(DataError, match=message):
        check_labels(labels, 3, 3)


def test_resize():
    assert resize(X[0], (4, 6)) is X[0] or np.shares_memory(resize(X[0], (4, 6)), X)
    halves = X[:, ::2].astype(int) + X[:, 1::2]
    small = resize_images(X, (2, 6)).astype(int)
    assert np.abs(2 * small - halves).max() <= 1  # the mean of two rows, rounded
    assert resize_images(X[..., :1], (9, 3)).shape == (5, 9, 3, 1)
    assert resize_images(X.astype(np.float32), (8, 8)).dtype == np.float32
    assert resize_images(X, (4, 6)) is X


def test_read_images_for_prediction(tmp_path):
    colour = write_picture(tmp_path / "cölour.png", X[0])
    grey = write_picture(tmp_path / "grey.png", X[1, ..., 0])
    images = read_images([colour, str(grey)], (4, 6), 3)
    np.testing.assert_array_equal(images[0], X[0])
    np.testing.assert_array_equal(images[1], np.repeat(X[1, ..., :1], 3, axis=2))
    images = read_images([colour, grey], 5, 1)
    assert images.shape == (2, 5, 5, 1) and images.dtype == np.uint8
    luma = read_images([colour], (4, 6), 1)[0, ..., 0]
    assert np.abs(luma - X[0] @ np.array([0.299, 0.587, 0.114])).max() <= 1


def test_bad_pictures(tmp_path):
    with pytest.raises(DataError, match=r"none\.png: No such file"):
        read_images([tmp_path / "none.png"], 4, 3)
    with pytest.raises(DataError, match=r"a\.png: not a picture"):
        read_images([write(tmp_path / "a.png", b"garbage")], 4, 3)
    with pytest.raises(DataError, match="Is a directory"):
        read_images([tmp_path], 4, 3)
    with pytest.raises(DataError, match="1 or 3 channels, not 4"):
        read_images([tmp_path], 4, 4)
    with pytest.raises(DataError, match="no picture files"):
        read_images([], 4, 3)


def test_picture_beyond_opencvs_limits(tmp_path):
    header = b"P5 100000 100000 255\n"
    most = PictureOptions(max_pixels=2**40)
    with pytest.raises(DataError, match="not a picture"):
        read_picture(write(tmp_path / "bomb.pgm", header + bytes(100)), most)


SIZES = {".png": (b"IHDR", 4, ">II"), ".jpg": (b"\xff\xc0", 5, ">HH")}


@pytest.mark.parametrize("suffix", SIZES)
def test_picture_that_claims_more_pixels_than_it_can_hold(tmp_path, suffix):
    path = write_picture(tmp_path / f"bomb{suffix}", X[0])
    data = bytearray(path.read_bytes())
    marker, offset, form = SIZES[suffix]
    struct.pack_into(form, data, data.index(marker) + offset, 30_000, 30_000)
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"claims more pixels than [\d,]+ bytes can hold"):
        read_picture(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_the_flattest_pictures_pass(tmp_path, suffix):
    flat = np.zeros((2000, 3000, 3), np.uint8)
    assert read_picture(write_picture(tmp_path / f"flat{suffix}", flat)).shape == flat.shape


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=20), st.floats(0, 1), st.sampled_from([".png", ".jpg", ".bmp", ".webp"]))
def test_fuzz_pictures(tmp_path_factory, noise, where, suffix):
    path = write_picture(tmp_path_factory.getbasetemp() / f"fuzz{suffix}", X[0])
    data = path.read_bytes()
    at = int(where * len(data))
    path.write_bytes(data[:at] + noise + data[at + len(noise) :])
    with contextlib.suppress(DataError):
        assert read_picture(path).dtype == np.uint8
