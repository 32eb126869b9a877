"""Tables and arrays of other data sets on the command line, from training to evaluation."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fastcnn.errors import DataWarning
from tests.cli_runs import folder, only_line, run, train  # noqa: F401 - a fixture

Y = np.arange(60) % 3
X = np.random.default_rng(0).integers(0, 60, (60, 7, 6)) + 90 * Y[:, None, None]
SMALL = ("--model", "net.toml", "--threads", 1, "--epochs", 1)


def write_table(path, x=X, y=Y):
    names = [f"pixel{k}" for k in range(x[0].size)]
    rows = np.c_[y, x.reshape(len(x), -1)]
    np.savetxt(path, rows, "%d", ",", header=",".join(["label", *names]), comments="")


def started(*arguments):
    return json.loads(run("train", *SMALL, "--json", *arguments).stdout)


def test_a_table_of_pixels():
    """A shape that is no square goes with the run, also to where the table moves."""
    write_table("train.csv")
    line = only_line(run("train", *SMALL, "--data", "train.csv", code=1))
    assert "42 columns of pixels make no square image" in line and "--image-shape" in line
    results = started("--data", "train.csv", "--image-shape", "7x6", "--out", "r")
    assert json.loads(Path("r/run.json").read_text())["data"]["image_shape"] == [7, 6, 1]
    evaluated = json.loads(run("evaluate", "r", "--json").stdout)
    assert evaluated["accuracy"] == results["test_accuracy"]
    Path("other").mkdir()
    shutil.move("train.csv", "other/train.csv")
    run("train", "--resume", "r", "--data", "other/train.csv", "--epochs", 2)
    other = ("evaluate", "r", "--data", "other/train.csv", "--image-shape", "6x7", "--json")
    assert json.loads(run(*other).stdout)["images"] == 12


def test_a_classical_baseline_on_a_table():
    write_table("train.csv")
    run("train", "--data", "train.csv", "--image-shape", "7x6x1", "--model", "knn", "--out", "r")
    assert json.loads(run("evaluate", "r", "--json").stdout)["images"] == 12


def test_kaggles_digits():
    """label,pixel0,...,pixel783 with a test set that has no labels."""
    write_table("train.csv", np.tile(X, (1, 4, 5))[:, :28, :28])
    rows = np.zeros((3, 784), int)
    header = ",".join(f"pixel{k}" for k in range(784))
    np.savetxt("test.csv", rows, "%d", ",", header=header, comments="")
    with pytest.warns(DataWarning, match=r"test\.csv left alone: it has no labels"):
        started("--data", "train.csv", "--out", "r")
    assert json.loads(Path("r/run.json").read_text())["data"]["image_shape"] == [28, 28, 1]


def test_medmnist():
    """Labels (N, 1) and three parts: val for the epochs, test for the end."""
    parts = {"train": slice(0, 40), "val": slice(40, 50), "test": slice(50, 60)}
    arrays = {}
    for part, here in parts.items():
        arrays[f"{part}_images"] = X[here].astype(np.uint8)
        arrays[f"{part}_labels"] = Y[here, None].astype(np.uint8)
    np.savez("pathmnist.npz", **arrays)
    results = started("--data", "pathmnist.npz", "--out", "r")
    assert {"val_accuracy", "test_accuracy"} <= set(results)
    record = json.loads(Path("r/run.json").read_text())["data"]
    assert record["images"]["training"] == 40 and record["images"]["test"] == 10


def test_labels_from_1():
    """Letters 1 to 26 are 26 classes, by these names."""
    letters = np.arange(78) % 26 + 1
    images = np.random.default_rng(0).integers(0, 255, (78, 8, 8), np.uint8)
    np.savez("letters.npz", x_train=images, y_train=letters, x_test=images, y_test=letters)
    started("--data", "letters.npz", "--out", "r")
    classes = json.loads(run("evaluate", "r", "--json").stdout)["classes"]
    assert list(classes) == [str(k) for k in range(1, 27)]
    assert all(row["images"] == 3 for row in classes.values())
