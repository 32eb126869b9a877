"""`fastcnn train --recipe`, and what `fastcnn train` does unless told otherwise."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner

from fastcnn.cli import main
from fastcnn.commands.recipes import recipe_of_data
from fastcnn.data.load import load_dataset
from fastcnn.recipes import load
from fastcnn.training.model_file import weights_sha256

RECIPE = """
description = "a test"
data = "images.npz"
epochs = 2
batch_size = 16
validate = false
augment = ["flip", { name = "shift", pixels = 1 }]
augment_fill = "nearest"
views = { flip = true, shift = 1 }
name = "tiny"
layers = [
    { type = "patch_whitening", activation = "gelu" },
    { type = "conv2d", filters = 4, kernel_size = 3, use_bias = false },
    { type = "batch_normalization", scale = false },
    { type = "flatten" },
    { type = "dense", units = "classes" },
    { type = "rescaling", scale = 0.25 },
    { type = "softmax" },
]
loss = { name = "sparse_categorical_crossentropy", label_smoothing = 0.1 }

[optimizer]
name = "sgd"
momentum = 0.8
learning_rate_factors = { "*/beta" = 4 }
[optimizer.learning_rate]
name = "one_cycle"
max_learning_rate = 0.1
anneal_strategy = "linear"

[[callbacks]]
name = "lookahead"
period = 3
power = 1
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    random = np.random.default_rng(0)
    labels = np.arange(120) % 3
    images = random.integers(0, 60, (120, 8, 8, 3)) + 90 * labels[:, None, None, None]
    np.savez("images.npz", x=images.astype(np.uint8), y=labels)
    (tmp_path / "mine.toml").write_text(RECIPE)
    return tmp_path


def run(*arguments, code=0):
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == code, (result.output, result.exception)
    return result


def train(*arguments):
    return json.loads(run("train", "--recipe", "mine.toml", "--json", *arguments).stdout)


def record(folder):
    return json.loads((folder / "run.json").read_text())


@pytest.mark.parametrize(
    ("data", "shape", "model", "expected"),
    [
        ("mnist", (28, 28, 1), None, "mnist"),
        ("mnist", (28, 28, 1), "lenet5", "mnist"),
        ("mnist", (28, 28, 1), "simple_convnet", "mnist-simple_convnet"),
        ("fashion_mnist", (28, 28, 1), "simple_convnet", "fashion-mnist"),
        ("own.npz", (8, 8, 3), None, "digits"),
        ("own.npz", (20, 28, 1), None, "mnist"),
        ("own.npz", (32, 32, 3), "simple_convnet", "cifar10"),
    ],
)
def test_the_recipe_of_data_goes_by_name_model_and_size(data, shape, model, expected):
    assert recipe_of_data(data, shape, model).name == expected


def test_a_file_says_everything(folder):
    results = train("--out", "a")
    assert results["epochs"] == 2 and results["model"] == "tiny" and results["data"] == "images"
    assert "val_loss" not in (folder / "a" / "history.jsonl").read_text()
    assert results["test_accuracy"] >= 0 and results["test_plain_loss"] != results["test_loss"]
    arguments = record(folder / "a")["arguments"]
    assert arguments["recipe"] == str(folder / "mine.toml")
    assert [table["name"] for table in arguments["augmentations"]["augmentations"]] == [
        "flip",
        "shift",
    ]
    assert arguments["augmentations"]["fill"] == "nearest"
    assert arguments["callbacks"] == [{"name": "lookahead", "period": 3, "power": 1}]


def test_python_trains_the_same_bits(folder):
    results = train("--out", "a", "--seed", 3)
    recipe, data = load(folder / "mine.toml"), load_dataset("images.npz")
    model = recipe.build(data.image_shape, len(data.classes), seed=3)
    recipe.fit(model, data.train.images, data.train.labels, verbose=0)
    assert weights_sha256(model.get_weights()) == results["weights_sha256"]
    figures = model.evaluate(data.test.images, data.test.labels, views=recipe.views)
    assert figures["loss"] == results["test_loss"]


def test_views_go_from_the_recipe_to_evaluate_and_predict(folder):
    results = train("--out", "a")
    same = json.loads(run("evaluate", "a", "--json").stdout)
    assert same["loss"] == pytest.approx(results["test_loss"])
    assert same["views"] == {"flip": True, "shift": 1}
    plain = json.loads(run("evaluate", "a", "--views", "none", "--json").stdout)
    assert plain["loss"] == pytest.approx(results["test_plain_loss"]) and "views" not in plain
    other = json.loads(run("evaluate", "a", "--views", "shift=2", "--json").stdout)
    assert other["loss"] not in (plain["loss"], same["loss"])
    assert (
        "unknown option of Views 'turn'" in run("evaluate", "a", "--views", "turn=2", code=2).output
    )


def test_options_override_the_recipe(folder):
    options = ["--epochs", 1, "--lr", 0.02, "--augment", "cutout", "--model", "digits_convnet"]
    options += ["--optimizer", "adam"]
    results = train("--out", "a", "--validation", 0.2, *options)
    assert results["epochs"] == 1 and results["model"] == "digits_convnet"
    arguments = record(folder / "a")["arguments"]
    assert arguments["lr"] == 0.02 and arguments["optimizer"] == "adam"
    assert [table["name"] for table in arguments["augmentations"]["augmentations"]] == ["cutout"]
    assert arguments["augmentations"]["fill"] == "nearest"
    assert "val_loss" in (folder / "a" / "history.jsonl").read_text()


def test_the_fill_of_the_recipes_augmentations(folder):
    train("--out", "a", "--epochs", 1, "--augment-fill", "wrap")
    assert record(folder / "a")["arguments"]["augmentations"]["fill"] == "wrap"


def test_a_stopped_run_is_resumed_with_the_same_bits(folder):
    """The recipe's file may be gone by then."""
    whole = train("--out", "whole", "--epochs", 40)
    command = [sys.executable, "-m", "fastcnn", "train", "--recipe", "mine.toml"]
    process = subprocess.Popen([*command, "--epochs", "40", "--out", "part", "--quiet"])
    history = folder / "part" / "history.jsonl"
    while process.poll() is None and not (history.exists() and history.read_text()):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    (folder / "mine.toml").unlink()
    resumed = json.loads(run("train", "--resume", "part", "--json").stdout)
    assert resumed["weights_sha256"] == whole["weights_sha256"]
    assert resumed["test_accuracy"] == whole["test_accuracy"]


def test_resume_does_not_take_another_recipe(folder):
    train("--out", "a", "--epochs", 1)
    output = run("train", "--resume", "a", "--recipe", "cifar10-94", code=2).output
    assert "--recipe cifar10-94 (the run has" in output


def test_recipes_are_listed():
    listed = run("models").stdout
    assert "cifar10-94" in listed and "mnist-99" in listed


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("epochs = 0", "epochs must be a positive integer, not 0"),
        ("batch = 16", "unknown key 'batch'"),
        ("augment = ['flop']", "unknown augmentation 'flop'"),
        ("augment = 'flip'", "augment must be a list of names or tables, not 'flip'"),
        ("views = {flips = true}", "unknown option of Views 'flips'; did you mean 'flip'"),
        ("validate = 1", "validate must be true or false, not 1"),
        ("model = 'lenet5'", "give model or name, not both"),
        ("loss = 'hinges'", "unknown loss 'hinges'"),
    ],
)
def test_a_bad_file_is_one_clear_line(folder, line, message):
    key = line.split(" =")[0]
    kept = [text for text in RECIPE.strip().splitlines() if not text.startswith(f"{key} =")]
    (folder / "bad.toml").write_text("\n".join([line, *kept]))
    output = run("train", "--recipe", "bad.toml", code=2).stderr
    assert len(output.splitlines()) == 1 and message in output and "bad.toml" in output


def test_what_is_no_recipe(folder):
    assert "did you mean 'cifar10-94'" in run("train", "--recipe", "cifar-94", code=2).output
    (folder / "bad.toml").write_text("epochs = ")
    assert "bad.toml is no valid TOML" in run("train", "--recipe", "bad.toml", code=1).output
    assert "can't read nothing.toml" in run("train", "--recipe", "nothing.toml", code=1).output
    baseline = run("train", "--recipe", "mine.toml", "--model", "hog-svm", code=2).output
    assert "drop --recipe" in baseline
