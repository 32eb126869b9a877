import numpy as np
import pytest

from fastcnn.data.dataset import Dataset
from fastcnn.data.folder import load_folder
from fastcnn.errors import DataError, DataWarning, OptionError
from tests.data.files import pixels, write, write_classes, write_picture


def test_classes_in_sorted_order_and_rgb(tmp_path):
    write_classes(tmp_path / "pets", ("dog", "Cat", "bird"), each=2)
    dataset = load_folder(tmp_path / "pets")
    assert dataset.name == "pets"
    assert dataset.classes == ("Cat", "bird", "dog")
    np.testing.assert_array_equal(dataset.train.labels, [0, 0, 1, 1, 2, 2])
    np.testing.assert_array_equal(dataset.train.images[4], pixels(6, 8, 3, seed=0))
    assert dataset.test is None


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".jpg", ".JPEG", ".webp", ".tif", ".ppm"])
def test_formats(tmp_path, suffix):
    flat = np.full((8, 8, 3), (200, 100, 30), np.uint8)
    for name in ("a", "b"):
        write_picture(tmp_path / name / f"p{suffix}", flat)
    images = load_folder(tmp_path).train.images.astype(int)
    assert images.shape == (2, 8, 8, 3)
    assert np.abs(images - flat).max() <= 3


def test_any_sizes_become_the_median_size(tmp_path):
    for i, (h, w) in enumerate([(4, 10), (6, 12), (20, 30), (5, 10), (7, 11)]):
        write_picture(tmp_path / "ab"[i % 2] / f"{i}.png", pixels(h, w, 3))
    assert load_folder(tmp_path).image_shape == (6, 11, 3)
    assert load_folder(tmp_path, image_size=9).image_shape == (9, 9, 3)
    assert load_folder(tmp_path, image_size=(3, 5)).image_shape == (3, 5, 3)
    assert load_folder(tmp_path, largest_side=6).image_shape == (3, 6, 3)
    assert load_folder(tmp_path, largest_side=99).image_shape == (6, 11, 3)


def test_grey_only_if_all_are_grey(tmp_path):
    write_classes(tmp_path, shape=(6, 8))
    grey = load_folder(tmp_path).train.images
    assert grey.shape == (6, 6, 8, 1)
    assert grey.flags.c_contiguous
    np.testing.assert_array_equal(grey[0, ..., 0], pixels(6, 8, seed=0))
    write_picture(tmp_path / "dog" / "colour.png", pixels(6, 8, 3))
    images = load_folder(tmp_path).train.images
    assert images.shape == (7, 6, 8, 3)
    np.testing.assert_array_equal(images[0], np.repeat(grey[0], 3, axis=2))


@pytest.mark.parametrize("level, part", [("test", "test"), ("val", "validation")])
def test_train_and_test_levels(tmp_path, level, part):
    write_classes(tmp_path / "train", ("a", "b", "c"))
    write_classes(tmp_path / level, ("c", "a"), each=1, shape=(9, 9, 3))
    dataset = load_folder(tmp_path)
    assert dataset.classes == ("a", "b", "c")
    assert dataset.train.image_shape == (6, 8, 3)
    np.testing.assert_array_equal(getattr(dataset, part).labels, [0, 2])
    assert [dataset.test, dataset.validation].count(None) == 1


def test_all_three_parts(tmp_path):
    for level, each in (("train", 3), ("val", 2), ("test", 1)):
        write_classes(tmp_path / level, each=each)
    dataset = load_folder(tmp_path)
    assert [len(dataset.train), len(dataset.validation), len(dataset.test)] == [6, 4, 2]
    without = Dataset(dataset.train, dataset.test, "x")
    swapped = Dataset(dataset.train, dataset.validation, "x", validation=dataset.test)
    assert len({d.fingerprint() for d in (dataset, without, swapped)}) == 3


def test_a_class_may_be_called_train(tmp_path):
    write_classes(tmp_path, ("plane", "train"))
    with pytest.warns(DataWarning, match="train/ is taken as a class"):
        assert load_folder(tmp_path).classes == ("plane", "train")


def test_other_files_and_hidden_folders_are_passed_over(tmp_path):
    write_classes(tmp_path)
    write(tmp_path / ".README.txt", b"hello")
    write(tmp_path / "cat" / "Thumbs.db", b"hello")
    write(tmp_path / ".git" / "0.png", b"hello")
    write(tmp_path / "__MACOSX" / "0.png", b"hello")
    dataset = load_folder(tmp_path)
    assert len(dataset.train) == 6
    assert dataset.classes == ("cat", "dog")


def test_no_folder(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        load_folder(tmp_path / "none")


def test_folder_without_classes(tmp_path):
    with pytest.raises(DataError, match=r"expected a sub-folder per class, .* found none"):
        load_folder(tmp_path)
    write_classes(tmp_path, ("cat",))
    with pytest.raises(DataError, match="found only 'cat'"):
        load_folder(tmp_path)


def test_class_without_pictures(tmp_path):
    write_classes(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty: no pictures; there lie: nothing"):
        load_folder(tmp_path)


def test_bad_test_level(tmp_path):
    write_classes(tmp_path / "train")
    (tmp_path / "test").mkdir()
    with pytest.raises(DataError, match="test: no class folders; expected cat, dog"):
        load_folder(tmp_path)
    write_classes(tmp_path / "test", ("cow",))
    with pytest.raises(DataError, match="class 'cow' is not among the training classes"):
        load_folder(tmp_path)


def test_unreadable_picture(tmp_path, capfd):
    write_classes(tmp_path)
    path = write_picture(tmp_path / "cat" / "bad.png", pixels(9, 9, 3))
    good = path.read_bytes()
    path.write_bytes(good[:100])
    with pytest.raises(DataError, match=r"bad\.png: damaged picture: truncated"):
        load_folder(tmp_path)
    path.write_bytes(good[:60] + bytes(20) + good[80:])
    with pytest.raises(DataError, match=r"bad\.png: not a picture that OpenCV can read"):
        load_folder(tmp_path)
    write(path, b"")
    with pytest.raises(DataError, match=r"bad\.png: not a picture"):
        load_folder(tmp_path, image_size=4)
    assert "OpenCV" not in capfd.readouterr().err


@pytest.mark.parametrize("size", [0, -3, (1, 2, 3), (4, 2.5), "big"])
def test_bad_size(tmp_path, size):
    write_classes(tmp_path)
    with pytest.raises(OptionError, match="image size"):
        load_folder(tmp_path, image_size=size)
