"""Baselines on the command line: the same folder, keys and commands as networks."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

import fastcnn
from fastcnn.cli import main
from fastcnn.errors import DataWarning
from fastcnn.plugins.registry import baselines
from tests.classical.cases import images
from tests.cli_runs import start

KEYS = {
    *("status", "test_accuracy", "train_accuracy", "epochs", "seconds", "images_per_second"),
    *("parameters", "seed", "threads", "isa", "backend", "model", "data", "model_path"),
    *("weights_sha256", "stopped", "tuning"),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    x, y = images(120)
    np.savez("images.npz", x=x, y=y)
    return tmp_path


def run(*arguments, code=0):
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == code, (result.output, result.exception)
    return result


def train(model, *arguments, code=0):
    return run("train", "--data", "images.npz", "--model", model, *arguments, code=code)


def train_json(model, *arguments):
    return json.loads(train(model, "--json", *arguments).stdout)


def test_a_run_has_the_files_and_figures_of_one():
    document = train_json("hog-svm", "--seed", 3, "--metrics", "f1,confusion_matrix")
    assert set(document) >= KEYS and document["epochs"] is None and document["seed"] == 3
    assert document["test_accuracy"] > 0.9 and np.sum(document["test_confusion_matrix"]) == 24
    assert "test_loss" not in document  # of probabilities only
    assert document["tuning"]["images"] == 96 and document["tuning"]["chosen"]["classifier__C"]
    out = Path("runs/images-hog_svm")
    assert document["model_path"] == str(out / "model.safetensors")
    record = json.loads((out / "run.json").read_text())
    assert record["results"] == document and record["status"] == "finished"
    assert record["arguments"]["model"] == {"name": "hog-svm"} and record["kind"] == "baseline"
    assert record["data"]["images"] == {"training": 96, "held_out": 24, "test": 24}
    assert "scikit-learn" in record["versions"] and len(record["data"]["sha256"]) == 64


def test_the_seed_decides_and_threads_do_not():
    shas = [
        train_json("random_forest:n_estimators=3", *options)["weights_sha256"]
        for options in ([], ["--threads", 2], ["--seed", 1])
    ]
    assert shas[0] == shas[1] != shas[2]


def test_text_and_notes():
    result = train("logistic:max_iter=1", "--threads", 1)
    assert "test accuracy" in result.stdout and "epochs" not in result.stdout
    assert "test loss" in result.stdout
    assert "tuned  C=" in result.stderr and "model  logistic: a classical baseline" in result.stderr
    assert "note   " in result.stderr and "Warning" not in result.stderr  # it did not converge
    assert train("logistic", "--quiet").stderr == ""


def test_parts_of_the_training_images():
    document = train_json("knn", "--validation", 0.25, "--train-size", 30, "--out", "a")
    record = json.loads(Path("a/run.json").read_text())
    assert record["data"]["images"] == {"training": 30, "held_out": 24, "test": 24}
    assert record["val_figures_of"] == "validation" and 0 < document["val_accuracy"] <= 1
    assert "expected at least one of each" in train("knn", "--train-size", 2, code=2).stderr


def test_a_part_of_the_training_images_for_a_network():
    options = ("--train-size", 30, "--epochs", 1, "--out", "a")
    train("mlp", *options)
    record = json.loads(Path("a/run.json").read_text())
    assert record["data"]["images"]["training"] == 30 == record["arguments"]["train_size"]
    resumed = run("train", "--resume", "a", "--epochs", 2, "--json")
    assert json.loads(resumed.stdout)["epochs"] == 2
    other = run("train", "--resume", "a", "--train-size", 31, code=2).stderr
    assert "--train-size 31 (the run has 30)" in other


@pytest.mark.parametrize("name", ["hog-svm", "logistic"])
def test_evaluate_and_predict(name):
    document = train_json(name, "--out", "a")
    measured = json.loads(run("evaluate", "a", "--metrics", "recall", "--json").stdout)
    assert measured["accuracy"] == document["test_accuracy"] and 0 < measured["recall"] <= 1
    assert measured.get("loss") == document.get("test_loss")
    assert sum(row["images"] for row in measured["classes"].values()) == 24
    text = run("evaluate", "a").stdout
    assert ("loss" in text) == (name == "logistic") and "accuracy" in text
    cv2.imwrite("p.png", images(1)[0][0][..., ::-1])
    (seen,) = json.loads(run("predict", "a", "p.png", "--json").stdout)
    figure = "probability" if name == "logistic" else "score"
    assert [set(row) for row in seen["classes"]] == [{"class", figure}] * 3
    assert seen["classes"][0]["class"] == "0" and "p.png  0 " in run("predict", "a", "p.png").stdout
    assert "FASTCNN_BACKEND" in run("predict", "a", "p.png", "--backend", "numba", code=2).stderr


def test_a_class_without_training_images_is_never_seen():
    x, y = images(60)
    np.savez("images.npz", x=x, y=np.where(y == 1, 3, y), class_names=list("abcd"))
    with pytest.warns(DataWarning, match="no training images of 1 class: b"):
        train("logistic", "--out", "a")
        measured = json.loads(run("evaluate", "a", "--json").stdout)
    assert len(measured["classes"]) == 4 and measured["accuracy"] > 0.9


def test_summary_and_models():
    train("hog-svm", "--out", "a")
    text = run("summary", "a").stdout
    assert "GridHOG() -> SVC(" in text and "12x10x3 images, 3 classes" in text
    assert "chosen: C=" in text and "C=tuned (10.0" in run("summary", "hog+color-svm").stdout
    assert "no layers" in run("summary", "a", "--plot", "a.png", code=2).stderr
    assert "no layers" in run("summary", "knn", "--plot", "a.png", code=2).stderr
    listed = run("models").stdout.partition("classical baseline")[2]
    assert all(f"\n{name} " in listed for name in baselines.names()) and "hog+color-svm" in listed


def test_options_by_name_and_by_file():
    assert train_json("knn:n_neighbors=5,weights=uniform")["tuning"]["tried"] == []
    Path("b.toml").write_text('[baseline]\nname = "hog_svm"\nC = 2.0\ncells = 3\n')
    train("b.toml", "--out", "a")
    assert "C=2.0" in run("summary", "a").stdout and "cells=3" in run("summary", "b.toml").stdout
    Path("b.toml").write_text("[baseline]\nC = 2.0\n")
    assert 'with name = "hog_svm"' in train("b.toml", code=2).stderr


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        ("hog-svm", ("--epochs", 3, "--lr", 0.1), "hog-svm is a baseline, which is fitted at once"),
        ("hog-svm", ("--optimizer", "sgd"), "drop --optimizer"),
        ("hog-svm", ("--early-stopping", 0), "drop --early-stopping"),
        ("knn", ("--augment", "flip", "--batch-size", 3), "drop --batch-size, --augment"),
        ("knn", ("--backend", "native"), "drop --backend"),
        ("hog-smv", (), "did you mean 'hog_svm'"),
        ("hog-svm:D=1", (), "available: C, cells, gamma"),
        ("hog-svm:C=-1", (), "The 'C' parameter"),
        ("knn", ("--metrics", "recal"), "did you mean 'recall'"),
    ],
)
def test_wrong_usage_is_one_line(model, options, words):
    result = train(model, *options, code=1 if "parameter" in words else 2)
    lines = [line for line in result.stderr.splitlines() if line.startswith("fastcnn: ")]
    assert len(lines) == 1 and words in lines[0] and "Traceback" not in result.stderr


def test_images_that_do_not_fit_leave_no_folder():
    np.savez("images.npz", x=images(60)[0][..., :1], y=images(60)[1])
    result = train("color-hist-svm", code=2)
    assert "color_hist_svm takes no 12x10x1 images" in result.stderr and not Path("runs").exists()


def test_commands_for_networks_say_so():
    train("knn", "--out", "a")
    assert "the run of a baseline" in run("train", "--resume", "a", code=2).stderr
    words = run("lr-find", "--data", "images.npz", "--model", "knn", code=2).stderr
    assert "knn is a baseline" in words


def test_no_scikit_learn_for_networks():
    code = (
        "import sys, fastcnn.commands.train, fastcnn.commands.evaluate, fastcnn.commands.summary\n"
        "from fastcnn.commands.summary import baseline_list\n"
        "from fastcnn.commands.plugins import plugins\n"
        "baseline_list(); plugins(['baselines'])\n"
        "assert 'sklearn' not in sys.modules"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], check=False, env=environment()).returncode == 0
    )


def environment():
    """A real process finds the same fastcnn from any folder."""
    return {**os.environ, "PYTHONPATH": str(Path(fastcnn.__file__).parents[1])}


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_within_libsvm(number):
    """Noise of many classes keeps libsvm, which never looks at signals, busy for long."""
    random = np.random.default_rng(0)
    x = random.integers(0, 256, (6000, 32, 32, 1), dtype=np.uint8)
    np.savez("images.npz", x=x, y=np.arange(6000) % 10)
    command = ("train", "--data", "images.npz", "--model", "hog-svm:C=1", "--out", "a")
    process = start(sys.executable, "-m", "fastcnn", *command)
    record = Path("a/run.json")
    while not record.exists() and process.poll() is None:
        time.sleep(0.05)
    time.sleep(2)
    process.send_signal(number)
    started = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert time.monotonic() - started < 30 and process.returncode == 128 + number, errors
    assert errors.splitlines()[-1] == "fastcnn: interrupted" and "Traceback" not in errors
    assert json.loads(record.read_text())["status"] == "interrupted"
    assert not Path("a/model.safetensors").exists()
