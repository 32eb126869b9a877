import io
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.data.npz import npz_dataset
from fastcnn.errors import DataError
from tests.data.files import npz_bytes, pixels, write

X = pixels(6, 4, 5, 3)
Y = np.array([0, 1, 2, 0, 1, 2])


LABELS_OF_CLASSES = {
    "from 1": ([1, 2, 3, 1, 2, 3], ("1", "2", "3")),
    "gaps": ([7, 0, 40, 7, 0, 40], ("0", "7", "40")),
    "ten is zero": ([10, 9, 1, 10, 9, 1], ("1", "9", "10")),
    "text": (["b", "a", "ä", "b", "a", "ä"], ("a", "b", "ä")),
    "column": ([5, 6, 5, 6, 5, 6], ("5", "6")),
}


@pytest.mark.parametrize("keys", [("x", "y"), ("images", "labels"), ("x_train", "y_train")])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_keys(tmp_path, keys, save):
    path = tmp_path / "shapes.npz"
    save(path, **dict(zip(keys, (X, Y), strict=True)))
    dataset = npz_dataset(path)
    np.testing.assert_array_equal(dataset.train.images, X)
    np.testing.assert_array_equal(dataset.train.labels, Y)
    assert dataset.test is None
    assert (dataset.name, dataset.classes) == ("shapes", ("0", "1", "2"))


def test_train_and_test(tmp_path):
    path = tmp_path / "set.npz"
    np.savez(path, x_train=X, y_train=Y, x_test=X[:2], y_test=np.array([3, 0]), other=Y)
    dataset = npz_dataset(path)
    assert (len(dataset.train), len(dataset.test)) == (6, 2)
    assert dataset.classes == tuple("0123")


def test_forms_of_images_and_labels(tmp_path):
    path = tmp_path / "set.npz"
    np.savez(path, x=X[..., 0].astype(np.float64) / 7, y=Y[:, None].astype(np.uint8))
    train = npz_dataset(path).train
    np.testing.assert_array_equal(train.images, (X[..., :1] / 7).astype(np.float32))
    np.testing.assert_array_equal(train.labels, Y)
    np.savez(path, x=np.asfortranarray(X), y=Y)
    np.testing.assert_array_equal(npz_dataset(path).train.images, X)


def test_channels_first_is_recognised_or_told(tmp_path):
    path = tmp_path / "set.npz"
    np.savez(path, x=X.transpose(0, 3, 1, 2), y=Y)
    np.testing.assert_array_equal(npz_dataset(path).train.images, X)
    np.savez(path, x=X, y=Y)
    assert npz_dataset(path, data_format="channels_first").image_shape == (5, 3, 4)


IMAGE_KEYS = ["x", "X", "images", "imgs", "data"]
LABEL_KEYS = ["y", "Y", "labels", "label", "target"]
PARTS = {"train": ["train", "Training"], "test": ["test", "testing"]}


@pytest.mark.parametrize("form", ["{what}_{part}", "{part}_{what}", "{part}-{what}"])
@pytest.mark.parametrize("x, y", list(zip(IMAGE_KEYS, LABEL_KEYS, strict=True)))
def test_names_of_parts(tmp_path, form, x, y):
    for train, test in zip(*PARTS.values(), strict=True):
        arrays = {}
        for part, count in ((train, 6), (test, 2)):
            arrays[form.format(what=x, part=part)] = X[:count]
            arrays[form.format(what=y, part=part)] = Y[:count]
        np.savez(tmp_path / "set.npz", **arrays)
        dataset = npz_dataset(tmp_path / "set.npz")
        assert (len(dataset.train), len(dataset.test), dataset.notes) == (6, 2, ())


def test_arrays_without_names(tmp_path):
    np.savez(tmp_path / "set.npz", X, Y)
    np.testing.assert_array_equal(npz_dataset(tmp_path / "set.npz").train.images, X)


@pytest.mark.parametrize("dtype", [np.int64, np.int16, np.uint32, bool])
def test_integers_other_than_uint8_are_taken_by_value(tmp_path, dtype):
    np.savez(tmp_path / "set.npz", x=X.astype(dtype), y=Y)
    images = npz_dataset(tmp_path / "set.npz").train.images
    assert images.dtype == np.float32
    np.testing.assert_array_equal(images, X.astype(dtype))


def test_what_is_not_used_is_said(tmp_path):
    np.savez(tmp_path / "set.npz", x=X, y=Y, weights=Y, images=X, labels=Y)
    dataset = npz_dataset(tmp_path / "set.npz")
    assert dataset.notes == ("arrays of set.npz left out: images, labels, weights",)
    np.savez(tmp_path / "set.npz", x=X, y=Y, classes=Y, names=object_array())
    assert npz_dataset(tmp_path / "set.npz").notes == (
        "arrays of set.npz left out: classes, names",
    )


@pytest.mark.parametrize("labels, classes", LABELS_OF_CLASSES.values(), ids=LABELS_OF_CLASSES)
def test_classes_are_the_labels_that_occur(tmp_path, labels, classes):
    np.savez(tmp_path / "set.npz", x=X, y=np.array(labels))
    dataset = npz_dataset(tmp_path / "set.npz")
    assert dataset.classes == classes
    assert [dataset.classes[k] for k in dataset.train.labels] == list(map(str, labels))


def test_class_names(tmp_path):
    names = np.array(["cat", "dog", "ant"])
    cases = {"by value": Y, "in order": Y + 1, "text": names[Y]}
    for labels in cases.values():
        np.savez(tmp_path / "set.npz", x=X, y=labels, class_names=names)
        dataset = npz_dataset(tmp_path / "set.npz")
        assert (dataset.classes, dataset.notes) == (("cat", "dog", "ant"), ())
        np.testing.assert_array_equal(dataset.train.labels, Y)
    np.savez(tmp_path / "set.npz", x=X, y=Y % 2, class_names=names)
    assert npz_dataset(tmp_path / "set.npz").notes == ("no training images of 1 class: ant",)


def test_classes_of_the_test_set_alone(tmp_path):
    np.savez(tmp_path / "set.npz", x_train=X, y_train=Y + 1, x_test=X, y_test=Y + 2)
    dataset = npz_dataset(tmp_path / "set.npz")
    assert dataset.classes == ("1", "2", "3", "4")
    assert dataset.notes == ("no training images of 1 class: 4",)


def test_pairs_of_files(tmp_path):
    """KMNIST's names."""
    for part, count in (("train", 6), ("test", 3)):
        np.savez(tmp_path / f"kmnist-{part}-imgs.npz", X[:count, ..., 0])
        np.savez(tmp_path / f"kmnist-{part}-labels.npz", Y[:count])
    for name in ("kmnist-train-imgs.npz", "kmnist-test-labels.npz"):
        dataset = npz_dataset(tmp_path / name)
        assert dataset.name == "kmnist"
        assert (len(dataset.train), len(dataset.test)) == (6, 3)
    (tmp_path / "kmnist-test-labels.npz").unlink()
    with pytest.raises(DataError, match=r"no kmnist-test-labels\.npz"):
        npz_dataset(tmp_path / "kmnist-train-imgs.npz")


def object_array():
    array = np.empty(6, object)
    array[:] = ["boom"] * 6
    return array


BAD = {
    "object array": ({"x": X, "y": object_array()}, "y.npy holds object; expected plain numbers"),
    "text as images": ({"x": np.array(["a"] * 6), "y": Y}, "x.npy holds <U1; expected plain num"),
    "no labels": ({"x": X}, "x without labels; expected the arrays x_train, y_train .* or x, y or"),
    "other names": ({"a": X, "b": Y}, "expected the arrays .*; found a, b$"),
    "half a test set": ({"x_train": X, "y_train": Y, "x_test": X}, "x_test without labels"),
    "only a test set": ({"x_test": X, "y_test": Y}, "expected the arrays .*; found x_test, y_test"),
    "few names": ({"x": X, "y": Y + 5, "classes": ["a", "b"]}, "2 class names for 3 labels, from"),
    "other class names": (
        {"x": X, "y": np.array(list("abcabc")), "classes": np.array(["a", "b"])},
        "label 'c' is not among the class names",
    ),
    "count": ({"x": X, "y": Y[:5]}, "5 .*y for 6 images"),
    "table": ({"x": X[:, 0, 0], "y": Y}, r"x have shape \(6, 3\); expected \(N, H, W, C\)"),
    "float labels": ({"x": X, "y": Y * 0.5}, "y are float64; expected integers"),
    "negative": ({"x": X, "y": Y - 1}, r"y\[0\] is -1; expected 0 to"),
    "huge label": ({"x": X, "y": Y * 10**9}, r"y\[1\] is 1000000000; expected 0 to 65,535"),
    "nan": ({"x": np.full((6, 2, 2), np.nan), "y": Y}, r"x\[0, 0, 0\] is nan"),
    "no images": ({"x": X[:0], "y": Y[:0]}, "no images"),
    "mixed": (
        {"x_train": X, "y_train": Y, "x_test": X[..., :1], "y_test": Y},
        r"test images are \(4, 5, 1\)",
    ),
}


@pytest.mark.parametrize("arrays, message", BAD.values(), ids=BAD)
def test_bad_arrays(tmp_path, arrays, message):
    path = tmp_path / "set.npz"
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=message) as error:
        npz_dataset(path)
    assert "set" in str(error.value)


def npy(shape, payload, dtype="|u1", version=(1, 0)):
    header = repr({"descr": dtype, "fortran_order": False, "shape": shape}).encode() + b"\n"
    size = struct.pack("<H" if version == (1, 0) else "<I", len(header))
    return b"\x93NUMPY" + bytes(version) + size + header + payload


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return buffer.getvalue()


LABELS = npy((6,), bytes(6))
LYING = {
    "more than there is": npy((1 << 40, 4, 4), bytes(96)),
    "less than there is": npy((2, 4, 4), bytes(96)),
    "product wraps round": npy((1 << 32, 1 << 32), b""),
    "negative": npy((-6, -4, 4), bytes(96)),
    "no header": b"",
    "bad header": b"\x93NUMPY\x01\x00\x05\x00{1:2}",
    "deep header": b"\x93NUMPY\x01\x00" + struct.pack("<H", 9000) + b"(" * 9000,
    "version": npy((6, 4, 4), bytes(96), version=(3, 0)),
    "records": npy((6,), bytes(48), [("a", "<f4"), ("b", "|O")]),
}


@pytest.mark.parametrize("data", LYING.values(), ids=LYING)
def test_lying_header(tmp_path, data):
    path = write(tmp_path / "set.npz", zipped(x=data, y=LABELS))
    with pytest.raises(DataError, match=r"set\.npz: ") as error:
        npz_dataset(path)
    assert "\n" not in str(error.value)


def test_lying_zip_entry(tmp_path):
    """The directory claims 4 GB for an entry; nothing of that size is allocated."""
    data = bytearray(zipped(x=npy((0xF0000000,), bytes(96)), y=LABELS))
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 0xF0000000 + 65)
    with pytest.raises(
        DataError, match=r"x\.npy claims 4,026,531,905 bytes; the file is too small"
    ):
        npz_dataset(write(tmp_path / "set.npz", data))


def test_not_an_npz(tmp_path):
    good = npz_bytes(x=X, y=Y)
    for name, data in {"empty": b"", "text": b"a,b\n", "cut": good[:-30]}.items():
        with pytest.raises(DataError, match=r"damaged or no \.npz"):
            npz_dataset(write(tmp_path / f"{name}.npz", data))
    with pytest.raises(DataError, match="No such file"):
        npz_dataset(tmp_path / "none.npz")


FUZZ = npz_bytes(x=X[:2, :2, :2], y=Y[:2])


@settings(deadline=None, max_examples=300)
@given(st.integers(0, len(FUZZ)), st.binary(max_size=12), st.booleans())
def test_fuzz(tmp_path_factory, at, noise, cut):
    data = FUZZ[:at] + noise + (b"" if cut else FUZZ[at + len(noise) :])
    path = write(tmp_path_factory.getbasetemp() / "fuzz.npz", data)
    try:
        npz_dataset(path)
    except DataError as error:
        assert "\n" not in str(error)


def test_what_may_be_meant_otherwise(tmp_path):
    """Volumes look like images of many channels; images may have a name that is not known."""
    write(tmp_path / "v.npz", npz_bytes(x=pixels(6, 5, 5, 5), y=np.arange(6) % 2))
    notes = npz_dataset(tmp_path / "v.npz").notes
    assert notes == ("x are read as images 5x5 of 5 channels",)
    write(tmp_path / "f.npz", npz_bytes(features=pixels(6, 5, 5), labels=np.arange(6) % 2))
    with pytest.raises(DataError, match=r"labels without images; .*; found features, labels$"):
        npz_dataset(tmp_path / "f.npz")
