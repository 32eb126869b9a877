"""ImageLoader on files that OpenCV wrote."""

import cv2
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from fastcnn import CNNClassifier
from fastcnn.errors import DataError, ShapeError
from fastcnn.features import ImageLoader
from tests.features.cases import photographs


@pytest.fixture
def paths(tmp_path):
    found = []
    for k, image in enumerate(photographs((12, 9, 7, 3))):
        image[..., 2 if k % 2 else 0] = 250  # OpenCV's order: red if odd, else blue
        found.append(tmp_path / f"{k}.png")
        cv2.imwrite(str(found[-1]), image)
    return found


def test_colours_and_sizes(paths):
    images = ImageLoader((9, 7)).transform(paths)
    assert images.dtype == np.uint8 and images.shape == (12, 9, 7, 3)
    assert (images[1::2, ..., 0] == 250).all() and (images[::2, ..., 2] == 250).all()
    assert ImageLoader(5, channels=1).fit_transform(paths).shape == (12, 5, 5, 1)


@pytest.mark.parametrize("form", [list, np.array, lambda p: np.array(p, str)[:, None], tuple])
def test_forms_of_lists(paths, form):
    expected = ImageLoader(6).transform(paths)
    np.testing.assert_array_equal(clone(ImageLoader(6)).fit_transform(form(paths)), expected)


def test_tables(paths):
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    loader = ImageLoader((1, 2)).set_output(transform="pandas")
    table = loader.fit_transform(pd.DataFrame({"path": paths}))
    assert list(table.columns) == [f"pixel_0_{w}_{c}" for w in range(2) for c in range(3)]


def test_from_paths_to_classes(paths):
    """Red or blue."""
    cnn = CNNClassifier("conv 4@3x3 relu", epochs=40, random_state=0).set_params(optimizer__lr=0.01)
    model = make_pipeline(ImageLoader(8), cnn)
    model.fit(paths, ["blue", "red"] * 6)
    assert list(model.predict(paths[:2])) == ["blue", "red"]


def test_what_is_wrong(paths, tmp_path):
    with pytest.raises(DataError, match=r"none\.png: No such file"):
        ImageLoader().transform([paths[0], tmp_path / "none.png"])
    with pytest.raises(DataError, match="1 or 3 channels, not 2"):
        ImageLoader(channels=2).transform(paths)
    with pytest.raises(ShapeError, match=r"shape \(2, 2\); expected paths"):
        ImageLoader().fit([paths[:2], paths[:2]])
