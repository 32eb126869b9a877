"""`fastcnn compare`."""

import json
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.cli_runs import folder, only_line, run, start  # noqa: F401

BASE = ("compare", "--data", "images.npz", "--folds", 2)
FAST = ("--models", "logistic,knn", "--threads", 1)
SLOW = (*FAST[:1], "net.toml,knn:n_neighbors=1", "--seeds", 4, "--epochs", 3, "--threads", 1)


def accuracies(document):
    names = ("test_accuracy", "train_accuracy", "macro_f1", "log_loss", "brier")
    return [[row["model"], *(row[name] for name in names)] for row in document["rows"]]


def test_a_table_a_verdict_and_a_folder():
    result = run(*BASE, *FAST, "--sizes", "12,30")
    assert "2 models on images: 96 images 8x8x1, 3 classes" in result.stdout
    assert "logistic" in result.stdout and "30" in result.stdout
    assert "runs/compare-images/report.html" in result.stdout
    assert "8/8  knn, 30 images, seed 0, fold 2: test" in result.stderr
    assert run(*BASE, *FAST, "--quiet").stderr == ""
    assert Path("runs/compare-images-2/report.html").exists()


def test_json_and_a_pipeline_file():
    Path("it.toml").write_text(
        'data = "images.npz"\nmodels = ["logistic", {name = "knn", n_neighbors = 1}]\n'
        "folds = 2\nthreads = 1\nseeds = 2\n"
    )
    options = ("--json", "--seeds", 1)
    one = json.loads(run("compare", "it.toml", *options).stdout)
    models = ("--models", "logistic,knn:n_neighbors=1", "--threads", 1)
    other = json.loads(run(*BASE, *models, "--json", "--out", "x").stdout)
    assert accuracies(one) == accuracies(other)
    assert [row["runs"] for row in one["rows"]] == [2, 2]
    assert (one["folder"], other["folder"]) == ("runs/compare-images", "x")


def test_optimizers():
    options = ("--optimizers", "adam,sgd:learning_rate=0.1,momentum=0.9", "--epochs", 2)
    document = json.loads(
        run(*BASE, "--models", "net.toml", *options, "--threads", 1, "--json").stdout
    )
    assert [row["model"] for row in document["rows"]] == [
        "net.toml + adam",
        "net.toml + sgd:learning_rate=0.1,momentum=0.9",
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "no models"),
        (("--models", "knm"), "did you mean 'knn'"),
        (("--models", "none.toml"), "none.toml"),
        (("--models", "knn", "--test"), "exclude each other"),
        (("--models", "knn", "--budget", "soon"), "no duration"),
        (("--models", "knn", "--resume"), "resume needs out"),
        (("--models", "knn", "--backend", "dask"), "dask"),
    ],
)
def test_mistakes_are_one_line(options, words):
    line = only_line(run(*BASE, *options, code=1 if "none.toml" in words else 2))
    assert words in line


@pytest.mark.parametrize("text", ["12,x", "0", "12,,3"])
def test_sizes_are_numbers(text):
    assert "is not of the form N,N,..." in run(*BASE, *FAST, "--sizes", text, code=2).stderr


def test_a_wrong_pipeline_file():
    Path("it.toml").write_text("model = 3\n")
    assert "did you mean 'models'" in only_line(run("compare", "it.toml", code=2))
    Path("it.toml").write_text("models = ")
    assert "no valid TOML" in only_line(run("compare", "it.toml", code=2))


def started(*options):
    """A comparison in a process of its own, as soon as it has saved a few results."""
    command = [sys.executable, "-m", "fastcnn", *map(str, (*BASE, *SLOW, "--out", "x"))]
    process = start(*command, *map(str, options))
    deadline = time.monotonic() + 120
    while len(list(Path("x/jobs").glob("net*.json"))) < 3:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.01)
    return process


def test_a_killed_comparison_goes_on_and_ends_the_same():
    process = started()
    process.kill()
    process.communicate()
    results = list(Path("x/jobs").glob("*.json"))
    saved = {path: path.stat().st_mtime_ns for path in results}
    assert 3 <= len(saved) < 16 and not Path("x/report.html").exists()
    resumed = run("compare", "--out", "x", "--resume", "--json")
    assert f"{len(saved)} of 16 fits are done already" in resumed.stderr
    assert all(path.stat().st_mtime_ns == before for path, before in saved.items())
    whole = json.loads(run(*BASE, *SLOW, "--json").stdout)
    assert accuracies(json.loads(resumed.stdout)) == accuracies(whole)


@pytest.mark.parametrize("processes", [1, 2])
def test_an_interrupted_comparison_says_how_to_go_on(processes):
    process = started("-j", processes)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    last = errors.splitlines()[-1]
    assert last == "fastcnn: interrupted; go on with: fastcnn compare --out x --resume"
    assert "Traceback" not in errors
