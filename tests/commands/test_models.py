"""Models by name, of files and with branches, on the command line."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from fastcnn import Input, Model
from fastcnn import layers as L
from fastcnn.cli import main


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 1), dtype=np.uint8)
    np.savez("images.npz", x=images, y=np.arange(24) % 3)
    return tmp_path


def run(*arguments, code=0):
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == code, (result.output, result.exception)
    return result


def test_a_picture_beside_the_table(folder):
    table = run("summary", "resnet20:shortcut=B", "--plot", "net.png").stdout
    assert "connected to" in table and "conv2d_9 (Conv2D)" in table
    assert (folder / "net.png").read_bytes().startswith(b"\x89PNG")
    assert ".png, .svg, .pdf" in run("summary", "lenet5", "--plot", "net.txt", code=2).output


def test_options_of_models(folder):
    assert "unknown shortcut" in run("summary", "resnet20:shortcut=C", code=2).output
    assert "shortcut" in run("summary", "resnet20:shortcuts=A", code=2).output
    assert "did you mean 'lenet5'" in run("summary", "lenet6", code=2).output


def test_training_a_graph_evaluating_and_going_on(folder):
    options = ["--data", "images.npz", "--model", "resnet20", "--epochs", 1, "--threads", 1]
    trained = json.loads(run("train", *options, "--json", "--quiet", "--out", "run").stdout)
    assert trained["model"] == "resnet20" and trained["parameters"] > 270_000
    assert "accuracy" in run("evaluate", "run", "--part", "train").stdout
    run("train", "--resume", "run", "--epochs", 2, "--quiet", "--threads", 1)
    assert "connected to" in run("summary", "run").stdout


def test_models_that_are_no_classifiers_of_images(folder):
    x = Input((8, 8, 1))
    model = Model(x, [L.Flatten()(x), L.ReLU()(x)])
    model.compile(loss="mean_squared_error")
    model.save("two.safetensors")
    message = run("evaluate", "two.safetensors", "--data", "images.npz", code=2).output
    assert "one output" in message and "use it in Python" in message
