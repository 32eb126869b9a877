import pickle
import zipfile

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from fastcnn.data.known_formats import foreign_model, format_of, known_files
from fastcnn.errors import ModelFileError
from fastcnn.saving import load_model
from tests.data.files import idx_bytes, npz_bytes, pixels, write, write_picture

BYTES = {
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(40),
    "ONNX": b"\x08\x0a\x12\x07pytorch",
    "ONNX ": b"\x08\x03:\x10" + bytes(16),
    "TensorFlow SavedModel": b"\x08\x01\x12\x80" + bytes(20),
    "TensorFlow Lite": b"\x1c\0\0\0TFL3" + bytes(20),
    "PyTorch": b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
    "PyTorch ": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n",
    "scikit-learn": pickle.dumps(LogisticRegression()),
    "pickle": pickle.dumps({"a": 1}, 2),
    "pickle ": pickle.dumps({"a": 1}, 0),
    "joblib": b"x\x9c" + bytes(9),
    "GGUF": b"GGUF\x03\0\0\0",
    "JPEG": b"\xff\xd8\xff\xe0" + bytes(9),
    "IDX": idx_bytes(pixels(2, 2)),
    "npz": npz_bytes(x=pixels(2)),
    "gzip": b"\x1f\x8b\x08",
    "Git LFS": b"version https://git-lfs.github.com/spec/v1\n",
    "HTML": b"\n<!DOCTYPE html><html>",
    "text": b"hello\n",
    "empty": b"",
}
ZIPS = {
    "PyTorch": ["archive/data.pkl", "archive/version", "archive/data/0"],
    "Keras": ["metadata.json", "config.json", "model.weights.h5"],
    "SavedModel": ["model/saved_model.pb", "model/variables/variables.index"],
    "Office": ["[Content_Types].xml", "xl/workbook.xml"],
    "zip": ["cat/1.png"],
}


@pytest.mark.parametrize("word, data", BYTES.items(), ids=BYTES)
def test_told_by_first_bytes(tmp_path, word, data):
    path = write(tmp_path / "file", data)
    assert word.strip() in format_of(path).text
    with pytest.raises(ModelFileError, match=f"is .*{word.strip()}"):
        load_model(path)


@pytest.mark.parametrize("word, names", ZIPS.items(), ids=ZIPS)
def test_told_by_what_a_zip_holds(tmp_path, word, names):
    with zipfile.ZipFile(tmp_path / "file", "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    assert word in foreign_model(tmp_path / "file")
    with pytest.raises(ModelFileError, match=word):
        load_model(tmp_path / "file")


def test_what_is_not_known(tmp_path):
    assert format_of(write(tmp_path / "noise", bytes([7, 1, 3] * 9))) is None
    assert format_of(tmp_path / "none") is None
    with pytest.raises(ModelFileError, match="truncated or no safetensors"):
        load_model(tmp_path / "noise")
    path = write(tmp_path / "other", np.int64(2).tobytes() + b"{}")
    with pytest.raises(ModelFileError, match="no fastcnn model description"):
        load_model(path)


def test_files_of_a_folder(tmp_path):
    for k in range(3):
        write_picture(tmp_path / f"{k}.png", pixels(2, 2))
    write(tmp_path / ".hidden", BYTES["HDF5"])
    write(tmp_path / "a.txt", b"text")
    assert known_files(tmp_path) == ""
    write(tmp_path / "x.h5", BYTES["HDF5"])
    write(tmp_path / "y.npz", BYTES["npz"])
    text = "; x.h5 is an HDF5 file (Keras .h5, MATLAB 7.3); y.npz is an .npz of NumPy arrays"
    assert known_files(tmp_path) == text
