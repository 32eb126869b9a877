"""Model files are untrusted input, and are never left half written."""

import contextlib
import json
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from fastcnn import Sequential, load_model
from fastcnn import layers as L
from fastcnn.errors import ModelFileError
from fastcnn.training.model_file import read_model_file, write_atomically


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "good.safetensors"
    net = [L.Conv2D(2, 3, name="first"), L.BatchNormalization(), L.Flatten(), L.Dense(3)]
    model = Sequential(net, (6, 6, 1))
    model.classes = ("a", "b", "c")
    model.compile({"name": "sgd", "momentum": 0.9}, {"name": "mean_squared_error"})
    model.save(path)
    return path


def of_model(document):
    return document["model"]["models"][-1]


def rewrite(good, path, change):
    arrays, document = read_model_file(good)
    change(arrays, document)
    save_file(arrays, path, metadata={"fastcnn": json.dumps(document)})
    return path


def test_all_comes_back(good):
    model = load_model(good)
    assert [layer.registered_name for layer in model.layers] == [
        "conv2d",
        "batch_normalization",
        "flatten",
        "dense",
    ]
    assert model.layers[0].name == "first" and model.classes == ("a", "b", "c")
    assert model.optimizer.momentum == 0.9 and model.loss.name == "mean_squared_error"
    assert repr(model.layers) == repr(load_model(good).layers)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a, d: d.update(format="other"), "not written by fastcnn"),
        (lambda a, d: d.update(format_version=99), "version 99"),
        (lambda a, d: d.pop("model"), "model"),
        (lambda a, d: d["model"]["layers"][0].update(name="os.system"), "unknown layer"),
        (lambda a, d: d["model"]["layers"][0].update(evil=1), "unknown option"),
        (lambda a, d: d["model"]["layers"][0].update(filters="many"), "filters"),
        (lambda a, d: d["model"].update(layers=7), "int"),
        (lambda a, d: of_model(d)["inputs"][0].update(shape=[2, 2, 1]), "larger than"),
        (lambda a, d: of_model(d)["inputs"][0].update(shape=[10**9] * 3), "expected .2, 10000"),
        (
            lambda a, d: of_model(d)["inputs"][0].update(shape=[10**400] * 3),
            "expected|too large|limit is 64",
        ),
        (lambda a, d: of_model(d).update(stack=[{"layer": 9}]), "number 9 of 4"),
        (lambda a, d: of_model(d).update(stack=[{"model": 0}]), "number 0 of 0"),
        (lambda a, d: of_model(d).update(stack=[{"layer": 2}] * 10_001), "at most 10,000"),
        (lambda a, d: d["model"].update(models=[]), "1 to 100 models"),
        (lambda a, d: a.pop("weights/first/kernel"), "missing"),
        (lambda a, d: a.update({"weights/extra": np.zeros(1)}), "unexpected"),
        (lambda a, d: a.update({"weights/first/kernel": np.zeros((1, 1))}), "first/kernel"),
        (lambda a, d: d["training"]["optimizer"].update(name="nope"), "unknown optimizer"),
        (lambda a, d: a.pop("optimizer/velocity"), "velocity"),
    ],
)
def test_garbled_descriptions(good, tmp_path, change, message):
    with pytest.raises(ModelFileError, match=message):
        load_model(rewrite(good, tmp_path / "bad.safetensors", change))


def test_missing_file(tmp_path):
    with pytest.raises(ModelFileError, match="nowhere"):
        load_model(tmp_path / "nowhere.safetensors")


def test_foreign_file(tmp_path):
    save_file({"x": np.zeros(3)}, tmp_path / "x.safetensors")
    with pytest.raises(ModelFileError, match="no fastcnn model description"):
        load_model(tmp_path / "x.safetensors")


@settings(deadline=None, max_examples=60)
@given(cut=st.integers(0, 3000), junk=st.binary(max_size=16), at=st.integers(0, 3000))
def test_damaged_files_only_raise_model_file_errors(good, tmp_path_factory, cut, junk, at):
    data = bytearray(good.read_bytes())
    data[at : at + len(junk)] = junk
    path = tmp_path_factory.mktemp("damaged") / "m.safetensors"
    path.write_bytes(data[: len(data) - cut])
    with contextlib.suppress(ModelFileError):
        load_model(path)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def fail(temporary):
        temporary.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="space"):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]
