import io
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.data.npz import load_npz
from fastcnn.errors import DataError
from tests.data.files import npz_bytes, pixels, write

X = pixels(6, 4, 5, 3)
Y = np.array([0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize("keys", [("x", "y"), ("images", "labels"), ("x_train", "y_train")])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_keys(tmp_path, keys, save):
    path = tmp_path / "shapes.npz"
    save(path, **dict(zip(keys, (X, Y), strict=True)))
    dataset = load_npz(path)
    np.testing.assert_array_equal(dataset.train.images, X)
    np.testing.assert_array_equal(dataset.train.labels, Y)
    assert dataset.test is None
    assert (dataset.name, dataset.classes) == ("shapes", ("0", "1", "2"))


def test_train_and_test(tmp_path):
    path = tmp_path / "set.npz"
    np.savez(path, x_train=X, y_train=Y, x_test=X[:2], y_test=np.array([3, 0]), other=Y)
    dataset = load_npz(path)
    assert (len(dataset.train), len(dataset.test)) == (6, 2)
    assert dataset.classes == tuple("0123")


def test_forms_of_images_and_labels(tmp_path):
    path = tmp_path / "set.npz"
    np.savez(path, x=X[..., 0].astype(np.float64) / 7, y=Y[:, None].astype(np.uint8))
    train = load_npz(path).train
    np.testing.assert_array_equal(train.images, (X[..., :1] / 7).astype(np.float32))
    np.testing.assert_array_equal(train.labels, Y)
    np.savez(path, x=np.asfortranarray(X), y=Y)
    np.testing.assert_array_equal(load_npz(path).train.images, X)


def test_channels_first_is_recognised_or_told(tmp_path):
    path = tmp_path / "set.npz"
    np.savez(path, x=X.transpose(0, 3, 1, 2), y=Y)
    np.testing.assert_array_equal(load_npz(path).train.images, X)
    np.savez(path, x=X, y=Y)
    assert load_npz(path, data_format="channels_first").image_shape == (5, 3, 4)


def object_array():
    array = np.empty(6, object)
    array[:] = ["boom"] * 6
    return array


BAD = {
    "object array": ({"x": X, "y": object_array()}, "y.npy holds object; expected plain numbers"),
    "text labels": ({"x": X, "y": np.array(["a"] * 6)}, "y.npy holds <U1"),
    "no labels": ({"x": X}, "expected the arrays x_train, y_train or x, y or .*; found x$"),
    "other names": ({"a": X}, "found none of them"),
    "half a test set": ({"x_train": X, "y_train": Y, "x_test": X}, "x_test without y_test"),
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
        load_npz(path)
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
        load_npz(path)
    assert "\n" not in str(error.value)


def test_lying_zip_entry(tmp_path):
    """The directory claims 4 GB for an entry; nothing of that size is allocated."""
    data = bytearray(zipped(x=npy((0xF0000000,), bytes(96)), y=LABELS))
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 0xF0000000 + 65)
    with pytest.raises(
        DataError, match=r"x\.npy claims 4,026,531,905 bytes; the file is too small"
    ):
        load_npz(write(tmp_path / "set.npz", data))


def test_not_an_npz(tmp_path):
    good = npz_bytes(x=X, y=Y)
    for name, data in {"empty": b"", "text": b"a,b\n", "cut": good[:-30]}.items():
        with pytest.raises(DataError, match=r"damaged or no \.npz"):
            load_npz(write(tmp_path / f"{name}.npz", data))
    with pytest.raises(DataError, match="No such file"):
        load_npz(tmp_path / "none.npz")


FUZZ = npz_bytes(x=X[:2, :2, :2], y=Y[:2])


@settings(deadline=None, max_examples=300)
@given(st.integers(0, len(FUZZ)), st.binary(max_size=12), st.booleans())
def test_fuzz(tmp_path_factory, at, noise, cut):
    data = FUZZ[:at] + noise + (b"" if cut else FUZZ[at + len(noise) :])
    path = write(tmp_path_factory.getbasetemp() / "fuzz.npz", data)
    try:
        load_npz(path)
    except DataError as error:
        assert "\n" not in str(error)
