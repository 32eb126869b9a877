"""HOG against scikit-image, and as a citizen of scikit-learn."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from fastcnn.datasets import load_dataset
from fastcnn.errors import OptionError, ShapeError
from fastcnn.features import HOG
from tests.features.cases import photographs


@pytest.mark.parametrize("norm", ["L1", "L1-sqrt", "L2", "L2-Hys"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("root", [False, True])
@pytest.mark.parametrize(("cell", "block"), [((8, 8), (3, 3)), ((6, 9), (2, 1))])
def test_against_scikit_image(norm, channels, root, cell, block):
    feature = pytest.importorskip("skimage.feature", reason="scikit-image is not installed")
    images = photographs((3, 33, 40, channels), seed=2)
    options = {"pixels_per_cell": cell, "cells_per_block": block, "block_norm": norm}
    options |= {"transform_sqrt": root, "orientations": 7}
    got = HOG(**options).fit_transform(images)
    for image, features in zip(images, got, strict=True):
        expected = feature.hog(image, channel_axis=-1, **options)
        np.testing.assert_allclose(features, expected, rtol=0, atol=1e-5)


def test_rows_and_grey_images_are_the_same_features():
    images = photographs((4, 24, 30))
    expected = HOG().fit_transform(images)
    rows = HOG(input_shape=(24, 30)).fit_transform(images.reshape(4, -1))
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_array_equal(HOG().fit_transform(images[..., None]), expected)
    np.testing.assert_array_equal(HOG(channels="grey").fit_transform(images), expected)


def test_grey_is_luma():
    images = photographs((2, 24, 24, 3))
    luma = images @ np.array([0.299, 0.587, 0.114])
    got = HOG(channels="grey").fit_transform(images)
    np.testing.assert_allclose(got, HOG().fit_transform(luma), atol=1e-4)


def test_names_belong_to_features():
    """One cell alone has gradients: its name says which."""
    images = np.full((1, 32, 48), 100, np.uint8)
    images[0, 10:14, 18:22] = 200  # in the cell of row 1, column 2
    hog = HOG(cells_per_block=(2, 2)).fit(images)
    names = hog.get_feature_names_out()
    lit = {name.rpartition("_bin")[0] for name in names[hog.transform(images)[0] > 0]}
    assert len(names) == 3 * 5 * 4 * 9
    assert lit == {
        "hog_block_0_1_cell_1_1",
        "hog_block_0_2_cell_1_0",
        "hog_block_1_1_cell_0_1",
        "hog_block_1_2_cell_0_0",
    }


@pytest.mark.parametrize("jobs", [1, 2, -1])
def test_threads_give_the_same_bits(jobs):
    images = photographs((50, 32, 32, 3))
    expected = HOG(n_jobs=1).fit_transform(images)
    np.testing.assert_array_equal(HOG(n_jobs=jobs).fit_transform(images), expected)


def test_tables():
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    table = HOG().set_output(transform="pandas").fit_transform(photographs((3, 24, 24)))
    assert isinstance(table, pd.DataFrame) and table.columns[1] == "hog_block_0_0_cell_0_0_bin_1"


def test_digits_with_an_svm():
    data = load_dataset("digits")
    model = make_pipeline(HOG(pixels_per_cell=2, cells_per_block=2), SVC())
    model.fit(data.train.images[:500], data.train.labels[:500])
    assert model.score(data.train.images[500:], data.train.labels[500:]) > 0.9


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"block_norm": "l2"}, OptionError, "unknown block_norm 'l2'"),
        ({"channels": "red"}, OptionError, "unknown channels 'red'.*strongest"),
        ({"n_jobs": 0}, OptionError, "n_jobs must be None or an integer but 0"),
        ({"pixels_per_cell": 0}, OptionError, "pixels_per_cell must be a positive integer"),
        ({"pixels_per_cell": 9}, ShapeError, "smaller than a block of 3 cells of 9"),
        ({"input_shape": (5, 5)}, ShapeError, r"samples \(24, 24\); input_shape \(5, 5\) expects"),
    ],
)
def test_what_does_not_fit(options, error, message):
    with pytest.raises(error, match=message):
        HOG(**options).fit(photographs((2, 24, 24)))


def test_other_images_than_fitted():
    hog = clone(HOG()).fit(photographs((2, 24, 24)))
    with pytest.raises(ShapeError, match=r"\(24, 25\), but HOG was fitted on \(24, 24\)"):
        hog.transform(photographs((2, 24, 25)))
