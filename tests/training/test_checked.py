"""What comes from JSON and TOML files: bounded values, tables of known types."""

import json
import struct
import time
from pathlib import Path

import numpy as np
import pytest

from fastcnn import Sequential, load_model
from fastcnn import layers as L
from fastcnn.compare.options import read_pipeline
from fastcnn.errors import DataError, FastcnnError, ModelFileError, OptionError
from fastcnn.kernels import room
from fastcnn.recipes import load
from fastcnn.training.checked import MAX_DEPTH, Table, parse_json, read_json, read_toml
from fastcnn.training.model_config import read_model_toml
from tests.cli_runs import folder, only_line, run, train  # noqa: F401

LONG, DEEP = "9" * 5000, "[" * 2000 + "]" * 2000
NEARLY = "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)


@pytest.mark.parametrize("text", [LONG, DEEP, NEARLY, str(2**63), "{", "nul", ""])
def test_json_beyond_the_limits_is_one_error(text):
    with pytest.raises(DataError, match=r"^here is no valid JSON"):
        parse_json(text, "here", DataError)


def test_what_is_within_the_limits_comes_through():
    value = {"a": [1, -(2**63) + 1, 0.5, "x", None, True], "b": {}}
    assert parse_json(json.dumps(value), "here") == value
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH, "here")


@pytest.mark.parametrize("text", [f"x = {LONG}", f"x = {DEEP}", f"x = {2**63}", "x ="])
@pytest.mark.parametrize("read", [read_toml, read_model_toml, load, read_pipeline])
def test_toml_beyond_the_limits_is_one_error(read, text, tmp_path):
    path = tmp_path / "file.toml"
    path.write_text(text)
    with pytest.raises(FastcnnError, match="no valid TOML"):
        read(path)


def test_files_that_are_no_text_or_too_long(tmp_path, monkeypatch):
    path = tmp_path / "file.json"
    with pytest.raises(ModelFileError, match="expected a list"):
        read_json(path, "a list")
    path.write_bytes(b'"\xff"')
    with pytest.raises(ModelFileError, match="damaged"):
        read_json(path, "a list")
    path.write_text("[1, 2, 3]")
    monkeypatch.setattr("fastcnn.training.checked.MAX_BYTES", 5)
    with pytest.raises(ModelFileError, match="longer than"):
        read_json(path, "a list")


GOOD = {"n": 3, "x": 0.5, "s": "a", "f": True, "l": [1], "t": {"n": 1}, "w": ["a"], "ts": [{}]}
TAKEN = {
    "n": lambda t: t.whole("n", 0, 10),
    "x": lambda t: t.number("x"),
    "s": lambda t: t.text("s"),
    "f": lambda t: t.flag("f"),
    "l": lambda t: t.wholes("l"),
    "t": lambda t: t.table("t"),
    "w": lambda t: t.texts("w"),
    "ts": lambda t: t.tables("ts"),
}
WRONG = (None, True, -1, 11, 2.5, float("nan"), "x", "", [], [None], ["x"], {}, [[]])


@pytest.mark.parametrize("name", TAKEN)
def test_each_type_is_taken_and_others_are_refused(name):
    take = TAKEN[name]
    good = take(Table(GOOD, "it"))
    assert good == GOOD[name] or isinstance(good, Table) or isinstance(good[0], Table)
    with pytest.raises(ModelFileError, match=f"it lacks '{name}'"):
        take(Table({}, "it"))
    refused = 0
    for value in WRONG:
        try:
            take(Table({name: value}, "it"))
        except ModelFileError as error:
            assert str(error).startswith(f"it: {name}") and "\n" not in str(error)
            refused += 1
    assert refused >= len(WRONG) - 4


# ---- model files


def saved(path):
    model = Sequential([L.Conv2D(3, 3), L.Flatten(), L.Dense(3, activation="softmax")], (6, 6, 1))
    model.compile("sgd")
    x, y = np.zeros((6, 6, 6, 1), np.float32), np.arange(6) % 3
    model.fit(x, y, callbacks=[{"name": "early_stopping", "monitor": "loss"}], verbose=0)
    model.classes = ("a", "b", "c")
    model.save(path)


def changed(path, change):
    """The file with another description."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    document = json.loads(header["__metadata__"]["fastcnn"])
    text = change(document)
    header["__metadata__"]["fastcnn"] = text if isinstance(text, str) else json.dumps(document)
    made = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(made)) + made + content[8 + length :])


def put(*where):
    *path, key, value = where

    def change(document):
        for name in path:
            document = document[name]
        document[key] = value

    return change


CHANGES = {
    "seed": put("model", "seed", "x"),
    "no seed": put("model", "seed", None),
    "few classes": put("model", "classes", ["a"]),
    "classes": put("model", "classes", 3),
    "loss weights": put("model", "loss_weights", 2**31),
    "weight": put("model", "loss_weights", [None]),
    "losses": put("model", "losses", ["mse"]),
    "metrics": put("model", "metrics", [3]),
    "layers": put("model", "layers", {}),
    "a layer": put("model", "layers", 0, 7),
    "models": put("model", "models", 5),
    "data format": put("model", "models", 0, "data_format", []),
    "inputs": put("model", "models", 0, "inputs", [{}]),
    "shape": put("model", "models", 0, "inputs", 0, "shape", "x"),
    "stack": put("model", "models", 0, "stack", [[]]),
    "model": put("model", None),
    "training": put("training", []),
    "optimizer": put("training", "optimizer", 3),
    "iterations": put("training", "iterations", "1"),
    "steps": put("training", "total_steps", -1),
    "fuse": put("training", "fuse", "no"),
    "progress": put("training", "progress", 3),
    "sums": put("training", "progress", "sums", 2),
    "a sum": put("training", "progress", "sums", {"loss": "x"}),
    "seen": put("training", "progress", "seen", 2**31 - 1),
    "epoch": put("training", "progress", "epoch", -1),
    "history": put("training", "history", [1]),
    "figures": put("training", "history", "loss", ["x"]),
    "callbacks": put("training", "callbacks", 5),
    "a callback": put("training", "callbacks", [{"name": 3, "state": {}}]),
    "state": put("training", "callbacks", [{"name": "ema", "state": []}]),
    "array": put("training", "callbacks", [{"name": "ema", "state": {"average": {"array": []}}}]),
    "long integer": lambda d: json.dumps(d).replace('"seed": 0', f'"seed": {LONG}'),
    "deep": lambda d: json.dumps(d).replace('"seed": 0', f'"seed": {DEEP}'),
}


@pytest.mark.parametrize("name", CHANGES)
def test_wrong_types_in_a_model_file_are_one_line(name, tmp_path):
    path = tmp_path / "model.safetensors"
    saved(path)
    load_model(path)
    changed(path, CHANGES[name])
    with pytest.raises(ModelFileError) as error:
        load_model(path)
    assert "model.safetensors" in str(error.value) and "\n" not in str(error.value)
    line = only_line(run("predict", path, "x.png", code=1))
    assert line.startswith("fastcnn: error: ") and len(line) < 1500


@pytest.mark.parametrize("weights", [1, {"x": 1}, {}, []])
def test_wrong_weights_in_a_callbacks_state(weights, tmp_path):
    path = tmp_path / "model.safetensors"
    saved(path)
    changed(path, put("training", "callbacks", 0, "state", "best_weights", weights))
    x, y = np.zeros((6, 6, 6, 1), np.float32), np.arange(6) % 3
    with pytest.raises(ModelFileError):
        model = load_model(path)
        callbacks = [{"name": "early_stopping", "monitor": "loss"}]
        model.fit(x, y, epochs=2, initial_epoch=1, callbacks=callbacks, verbose=0)


@pytest.mark.parametrize("options", [{"dilation_rate": 2**40}, {"padding": 2**20}])
def test_a_small_file_that_asks_for_much_memory_is_refused_at_once(options, tmp_path):
    path = tmp_path / "model.safetensors"
    saved(path)

    def larger(document):
        document["model"]["layers"][0].update({"padding": "same", **options})

    changed(path, larger)
    started = time.perf_counter()
    with pytest.raises((OptionError, ModelFileError)):
        load_model(path).predict(np.zeros((20, 6, 6, 1), np.float32))
    assert time.perf_counter() - started < 10


def test_an_error_names_the_need_and_the_limit(monkeypatch):
    monkeypatch.setattr(room, "memory", lambda: 2**21)
    with pytest.raises(OptionError, match=r"2,\d+,\d+ parameters .* MiB of memory; the limit is 1"):
        Sequential([L.Dense(2000)], (1200,))
    model = Sequential([L.Conv2D(8, 3, padding="same"), L.Conv2D(8, 3)], (64, 64, 1))
    with pytest.raises(OptionError, match=r"activations of a batch .* the limit is 1.0 MiB"):
        model.predict(np.zeros((64, 64, 64, 1), np.float32))


# ---- runs and comparisons

RUN = {
    "epochs": "x",
    "batch_size": 0,
    "callbacks": 7,
    "validation": "0.1",
    "image_size": [2**30, 2**30],
    "data": 3,
    "augmentations": [],
    "backend": [],
    "views": 5,
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The files of a short run."""
    return tmp_path_factory.mktemp("run") / "run"


@pytest.mark.parametrize("name", RUN)
def test_wrong_types_in_the_record_of_a_run(name, finished, folder):  # noqa: F811
    if not finished.exists():
        train("--epochs", 1, "--out", finished, "--quiet")
    record = finished / "run.json"
    good = record.read_text()
    document = json.loads(good)
    document["arguments"][name] = RUN[name]
    record.write_text(json.dumps(document))
    try:
        line = only_line(run("train", "--resume", finished, code=1))
    finally:
        record.write_text(good)
    assert "run.json: arguments" in line and name.split("_")[0] in line


COMPARE = (
    *("models = 5", "models = [5]", 'models = [{ x = "knn" }]', 'seed = "x"', "sizes = 5"),
    *('sizes = ["x"]', "seeds = 2.5", "seeds = 9223372036854775807", 'folds = "2"', "test = 1"),
    *(
        "budget = []",
        "data = 1",
        "out = 3",
        "image_size = [[]]",
        'image_size = ["x"]',
        "epochs = 0",
    ),
)


@pytest.mark.parametrize("text", COMPARE)
def test_wrong_types_in_the_file_of_a_comparison(text):
    known = "" if text.startswith("models") else 'models = ["knn"]\n'
    Path("it.toml").write_text(f"{known}{text}\nquiet = true\n")
    arguments = [] if text.startswith("data") else ["--data", "images.npz"]
    line = only_line(run("compare", "it.toml", *arguments, code=2))
    assert text.partition(" ")[0] in line or "fits" in line


@pytest.mark.parametrize("text", [DEEP, LONG, "5", "[]", '{"arguments": 3}', '{"arguments": {}}'])
def test_a_damaged_record_of_a_comparison(text):
    Path("x").mkdir()
    Path("x/comparison.json").write_text(text)
    assert "x/comparison.json" in only_line(run("compare", "--out", "x", "--resume", code=1))
