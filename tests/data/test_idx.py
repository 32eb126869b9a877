import gzip
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.data.idx import load_idx_file, load_idx_folder, read_idx
from fastcnn.errors import DataError
from tests.data.files import idx_bytes, pixels, write, write_idx_set

IMAGES = pixels(5, 3, 4)


@pytest.mark.parametrize("gz", [False, True])
@pytest.mark.parametrize("shape", [(7,), (5, 3, 4), (2, 3, 4, 3)])
def test_read(tmp_path, shape, gz):
    array = pixels(*shape)
    read = read_idx(write(tmp_path / "file", idx_bytes(array), gz))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, array)


def test_gzip_is_told_by_its_bytes_not_by_its_name(tmp_path):
    path = write(tmp_path / "images-without-suffix", gzip.compress(idx_bytes(IMAGES)))
    np.testing.assert_array_equal(read_idx(path), IMAGES)


GOOD = idx_bytes(IMAGES)
BAD = {
    "empty": (b"", "magic missing"),
    "wrong magic": (b"\x89PNG" + GOOD, "magic 89 50 4e 47; an IDX file has 00 00 08 n"),
    "floats": (b"\0\0\x0d\x01" + GOOD[4:], r"0x0d \(32-bit float\); expected 0x08"),
    "unknown type": (b"\0\0\x42\x01" + GOOD[4:], r"0x42 \(unknown\)"),
    "no axes": (b"\0\0\x08\x00", "0 axes; expected 1 to 4"),
    "many axes": (b"\0\0\x08\xff" + bytes(2000), "255 axes"),
    "cut header": (GOOD[:9], "header ends after 9 bytes"),
    "lying header": (b"\0\0\x08\x03" + b"\xff" * 12 + GOOD, "claims 4294967295 x 4294967295"),
    "long": (GOOD + b"!", "longer than the expected 60 bytes"),
}


@pytest.mark.parametrize("data, message", BAD.values(), ids=BAD)
@pytest.mark.parametrize("gz", [False, True])
def test_bad_file(tmp_path, data, message, gz):
    path = write(tmp_path / "file", data, gz)
    with pytest.raises(DataError, match=message) as error:
        read_idx(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_truncated(tmp_path):
    with pytest.raises(DataError, match="header claims 5 x 3 x 4 bytes"):
        read_idx(write(tmp_path / "plain", GOOD[:50]))
    with pytest.raises(DataError, match=r"truncated: 59 bytes of data, expected 60 \(5 x 3 x 4\)"):
        read_idx(write(tmp_path / "packed", GOOD[:-1], gz=True))


def test_damaged_gzip(tmp_path):
    packed = gzip.compress(GOOD)
    for name, data in {
        "cut": packed[:-10],
        "garbage": packed[:10] + bytes(20),
        "checksum": packed[:-8] + bytes(8),
        "tail": packed + b"tail",
    }.items():
        with pytest.raises(DataError, match="damaged gzip data"):
            read_idx(write(tmp_path / name, data))


def test_gzip_bomb_is_read_no_further_than_the_header_says(tmp_path):
    data = struct.pack(">4B2I", 0, 0, 8, 2, 2, 2) + bytes(1 << 26)
    with pytest.raises(DataError, match="longer than the expected 4 bytes"):
        read_idx(write(tmp_path / "bomb", data, gz=True))


def test_missing_file_and_directory(tmp_path):
    with pytest.raises(DataError, match="none: No such file"):
        read_idx(tmp_path / "none")
    with pytest.raises(DataError, match="Is a directory"):
        read_idx(tmp_path)


@pytest.mark.parametrize("gz", [False, True])
def test_folder(tmp_path, gz):
    dataset = load_idx_folder(write_idx_set(tmp_path / "mine", gz=gz))
    assert dataset.name == "mine"
    assert dataset.train.images.shape == (12, 4, 6, 1)
    assert dataset.test.images.shape == (5, 4, 6, 1)
    assert dataset.classes == tuple("0123456789")
    np.testing.assert_array_equal(dataset.train.images[..., 0], pixels(12, 4, 6, seed=12))
    np.testing.assert_array_equal(dataset.test.labels, np.arange(5))


def test_folder_of_colour_images_without_a_test_set(tmp_path):
    write(tmp_path / "train-images.idx3-ubyte", idx_bytes(pixels(3, 4, 5, 3)))
    write(tmp_path / "train-labels.idx1-ubyte", idx_bytes(np.array([0, 1, 0])))
    dataset = load_idx_folder(tmp_path)
    assert dataset.train.images.shape == (3, 4, 5, 3)
    assert dataset.test is None
    assert dataset.classes == ("0", "1")


def test_bad_folder(tmp_path):
    with pytest.raises(DataError, match=r"no train-images-idx3-ubyte and .* \(gz or not\)"):
        load_idx_folder(tmp_path)
    write_idx_set(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="t10k-images-idx3-ubyte without t10k-labels-idx1-ubyte"):
        load_idx_folder(tmp_path)
    write(tmp_path / "t10k-labels-idx1-ubyte", idx_bytes(np.arange(4)))
    with pytest.raises(DataError, match=r"^4 .*t10k-labels.* for 5 images"):
        load_idx_folder(tmp_path)
    write(tmp_path / "t10k-images-idx3-ubyte", idx_bytes(pixels(4, 9, 9)))
    with pytest.raises(DataError, match=r"test images are \(9, 9, 1\)"):
        load_idx_folder(tmp_path)
    write(tmp_path / "train-images-idx3-ubyte", idx_bytes(pixels(0, 9, 9)))
    with pytest.raises(DataError, match="no images"):
        load_idx_folder(tmp_path)


def write_set(folder, prefix, labels, test="test", idx="idx1-ubyte"):
    for part, count in (("train", len(labels)), (test, 2)):
        images, some = pixels(len(labels), 4, 6)[:count], np.array(labels)[:count]
        write(folder / f"{prefix}-{part}-images-idx3-ubyte", idx_bytes(images), gz=True)
        write(folder / f"{prefix}-{part}-labels-{idx}", idx_bytes(some))
    return folder / f"{prefix}-train-images-idx3-ubyte.gz"


def test_sets_by_name(tmp_path):
    """EMNIST's names: labels from 1, images on their side; of several sets one must be named."""
    path = write_set(tmp_path, "emnist-letters", [1, 2, 26])
    for dataset in (load_idx_folder(tmp_path), load_idx_file(path)):
        assert (dataset.name, dataset.classes) == ("emnist-letters", ("1", "2", "26"))
        upright = pixels(3, 4, 6).transpose(0, 2, 1)
        np.testing.assert_array_equal(dataset.train.images[..., 0], upright)
        np.testing.assert_array_equal(dataset.test.images[..., 0], upright[:2])
        np.testing.assert_array_equal(dataset.train.labels, [0, 1, 2])
        assert dataset.notes == ("EMNIST's files hold images on their side: turned upright",)
    write_set(tmp_path, "emnist-digits", [3, 4, 0])
    with pytest.raises(
        DataError, match=r"2 sets \(emnist-digits, emnist-letters\): name .* of one"
    ):
        load_idx_folder(tmp_path)
    assert load_idx_file(path).classes == ("1", "2", "26")


def test_qmnist(tmp_path):
    """Its labels are rows of 32-bit integers: the first is the class."""
    path = write_set(tmp_path, "qmnist", [3, 0, 3])
    labels = np.array([[3, 9, 9, 9, 9, 9, 9, 700], [0] * 8, [3] * 8], ">i4")
    for part, count in (("train", 3), ("test", 2)):
        (tmp_path / f"qmnist-{part}-labels-idx1-ubyte").unlink()
        data = struct.pack(">4B2I", 0, 0, 0x0C, 2, count, 8) + labels[:count].tobytes()
        write(tmp_path / f"qmnist-{part}-labels-idx2-int", data)
    dataset = load_idx_file(path)
    assert dataset.classes == ("0", "3") and len(dataset.test) == 2
    np.testing.assert_array_equal(dataset.train.labels, [1, 0, 1])


def test_label_out_of_range(tmp_path):
    write_idx_set(tmp_path)
    with pytest.raises(DataError, match="labels go from 0 to 9; expected 0 to 2 for 3 classes"):
        load_idx_folder(tmp_path, classes=("a", "b", "c"))


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=80), st.integers(0, len(GOOD)), st.booleans(), st.booleans())
def test_fuzz(tmp_path_factory, noise, at, inside_gzip, outside_gzip):
    data = GOOD[:at] + noise + GOOD[at + len(noise) :]
    if outside_gzip:
        data = gzip.compress(GOOD)[:at] + noise
    path = write(tmp_path_factory.getbasetemp() / "fuzz", data, inside_gzip)
    try:
        assert read_idx(path).dtype == np.uint8
    except DataError as error:
        assert "\n" not in str(error)
