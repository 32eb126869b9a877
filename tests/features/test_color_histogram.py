"""Colour histograms against NumPy, and as a citizen of scikit-learn."""

import numpy as np
import pytest

from fastcnn.errors import OptionError, ShapeError
from fastcnn.features import ColorHistogram
from tests.features.cases import photographs


def test_per_channel_against_numpy():
    images = photographs((3, 5, 7, 3))
    got = ColorHistogram(bins=7).fit_transform(images).reshape(3, 3, 7)
    for n, c in np.ndindex(3, 3):
        counts = np.histogram(images[n, ..., c] / 255, 7, (0, 1))[0]
        np.testing.assert_allclose(got[n, c], counts / 35, rtol=1e-6)


def test_joint_in_a_grid_against_numpy():
    images = photographs((2, 6, 8, 3)) / np.float32(255)
    bins = [[0, 0.3, 1.0], 3, 2]
    got = ColorHistogram(bins=bins, joint=True, grid=(2, 1)).fit_transform(images)
    halves = [np.split(image, 2) for image in images]
    edges = [bins[0], np.linspace(0, 1, 4), np.linspace(0, 1, 3)]
    expected = [
        [np.histogramdd(half.reshape(-1, 3), edges)[0].ravel() / 24 for half in parts]
        for parts in halves
    ]
    np.testing.assert_allclose(got, np.reshape(expected, (2, -1)), rtol=1e-6)


@pytest.mark.parametrize("space", ["rgb", "hsv", "lab"])
@pytest.mark.parametrize("joint", [False, True])
def test_every_pixel_is_in_a_bin(space, joint):
    images = photographs((4, 16, 16, 3))
    corners = np.array(list(np.ndindex(2, 2, 2)), np.uint8) * 255
    images[0, 0, :8] = corners
    histogram = ColorHistogram(space, (3, 4, 5), joint=joint)
    features = histogram.fit_transform(images)
    assert features.shape == (4, 60 if joint else 12)
    np.testing.assert_allclose(features.sum(axis=1), 1 if joint else 3, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "count", "first", "last"),
    [
        ({"space": "hsv", "bins": 4}, 12, "hsv_part_0_0_bin_h_0", "hsv_part_0_0_bin_v_3"),
        ({"joint": True, "bins": 2}, 8, "rgb_part_0_0_bin_0_0_0", "rgb_part_0_0_bin_1_1_1"),
        ({"grid": (2, 3)}, 144, "rgb_part_0_0_bin_r_0", "rgb_part_1_2_bin_b_7"),
    ],
)
def test_names(options, count, first, last):
    names = ColorHistogram(**options).fit(photographs((1, 8, 8, 3))).get_feature_names_out()
    assert (len(set(names)), names[0], names[-1]) == (count, first, last)


@pytest.mark.parametrize("jobs", [1, 2, -1])
def test_threads_give_the_same_bits(jobs):
    images = photographs((50, 16, 16, 3))
    expected = ColorHistogram("lab", n_jobs=1).fit_transform(images)
    np.testing.assert_array_equal(
        ColorHistogram("lab", n_jobs=jobs).fit_transform(images), expected
    )


def test_floats_and_rows():
    images = photographs((4, 9, 9, 3))
    expected = ColorHistogram("hsv", 5).fit_transform(images)
    floats = ColorHistogram("hsv", 5).fit_transform(images / 255)
    rows = ColorHistogram("hsv", 5, input_shape=(9, 9, 3)).fit_transform(images.reshape(4, -1))
    np.testing.assert_allclose(floats, expected, atol=1e-6)
    np.testing.assert_array_equal(rows, expected)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"space": "xyz"}, OptionError, "unknown space 'xyz'"),
        ({"bins": 0}, OptionError, "bins must be a positive integer"),
        ({"bins": [2, 2]}, ShapeError, "bins for 2 channels, but images have 3"),
        ({"bins": [0.5, 0.5]}, ShapeError, "edges of bins must rise"),
        ({"grid": 0}, OptionError, "grid must be a positive integer"),
    ],
)
def test_what_does_not_fit(options, error, message):
    with pytest.raises(error, match=message):
        ColorHistogram(**options).fit(photographs((2, 8, 8, 3)))
