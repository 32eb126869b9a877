"""`fastcnn train`: what is printed, written and resumed."""

import json
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fastcnn.cli_errors import _warning_line
from fastcnn.errors import SetupWarning
from fastcnn.saving import load_model
from fastcnn.signals import SIGNALS
from tests.cli_runs import NET, folder, only_line, run, save_images, start, train, train_json  # noqa: F401

JSON_KEYS = {
    *("test_accuracy", "train_accuracy", "epochs", "seconds", "images_per_second", "parameters"),
    *("seed", "threads", "backend", "isa", "model_path", "weights_sha256"),
}


# ---- a run


def test_train_prints_one_json_document_and_writes_the_run():
    result = train("--epochs", 6, "--lr", 0.01, "--json")
    document = json.loads(result.stdout)
    assert set(document) >= JSON_KEYS
    assert document["test_accuracy"] > 0.9 and document["epochs"] == 6
    assert result.stderr.count("epoch ") == 6
    out = Path("runs/images-tiny")
    assert document["model_path"] == str(out / "model.safetensors")
    rows = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[-1]["val_accuracy"] == document["test_accuracy"]
    record = json.loads((out / "run.json").read_text())
    assert record["results"] == document and record["status"] == "finished"
    assert record["arguments"]["lr"] == 0.01 and len(record["data"]["sha256"]) == 64
    assert {"fastcnn", "numpy", "python"} <= set(record["versions"])
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert not [p for p in out.iterdir() if p.name.startswith(".")]  # temporary files


def test_result_without_json_and_quiet():
    result = train("--epochs", 1, "--quiet")
    assert result.stderr == "" and "test accuracy" in result.stdout


def test_the_seed_decides_and_threads_do_not():
    shas = [
        train_json("--epochs", 2, *options)["weights_sha256"]
        for options in ([], ["--threads", 3], ["--seed", 1])
    ]
    assert shas[0] == shas[1] != shas[2]
    assert {p.name for p in Path("runs").iterdir()} == {
        "images-tiny",
        "images-tiny-2",
        "images-tiny-3",
    }


def test_an_out_folder_with_a_run_is_not_touched():
    train("--epochs", 1, "--out", "a")
    before = {p: p.read_bytes() for p in Path("a").iterdir()}
    assert "holds a run already" in only_line(train("--epochs", 1, "--out", "a", code=2))
    assert before == {p: p.read_bytes() for p in Path("a").iterdir()}


def test_validation_is_held_out_of_the_training_images():
    train("--epochs", 1, "--validation", 0.25, "--out", "a")
    record = json.loads(Path("a/run.json").read_text())
    assert record["data"]["images"] == {"training": 72, "held_out": 24, "test": 24}
    assert record["val_figures_of"] == "validation"


def test_options_reach_the_optimizer():
    train("--epochs", 1, "--optimizer", "sgd", "--lr", 0.02, "--momentum", 0.8, "--out", "a")
    optimizer = load_model("a/checkpoint.safetensors").optimizer
    assert (optimizer.learning_rate, optimizer.momentum) == (0.02, 0.8)


def test_a_schedule_reaches_the_optimizer_and_is_resumed():
    options = ("--schedule", "warmup:steps=5,schedule=cosine", "--lr", 0.02)
    whole = train_json("--epochs", 3, *options, "--out", "a")
    optimizer = load_model("a/checkpoint.safetensors").optimizer
    assert optimizer.total_steps == optimizer.iterations == 36
    assert optimizer.learning_rate(5, 36) == 0.02
    again = train("--resume", "a", *options, "--json")
    assert json.loads(again.stdout)["weights_sha256"] == whole["weights_sha256"]
    other = only_line(run("train", "--resume", "a", "--schedule", "cosine", code=2))
    assert "--schedule cosine (the run has warmup:steps=5,schedule=cosine)" in other


def test_metrics_of_training_are_in_results_history_and_file():
    options = ("--metrics", "f1,top_k:k=2,confusion_matrix")
    whole = train_json("--epochs", 2, *options, "--out", "a")
    assert whole["test_top_k"] >= whole["test_f1"] > 0
    assert np.sum(whole["test_confusion_matrix"]) == 24
    rows = [json.loads(line) for line in Path("a/history.jsonl").read_text().splitlines()]
    assert rows[-1]["val_f1"] == whole["test_f1"] and "f1" in rows[0]
    assert not any("confusion" in name for name in rows[0])
    train("--epochs", 1, *options, "--out", "b")
    again = json.loads(train("--resume", "b", "--epochs", 2, "--json").stdout)
    assert again["test_f1"] == whole["test_f1"]
    document = json.loads(run("evaluate", "a", "--metrics", "recall", "--json").stdout)
    assert document["f1"] == whole["test_f1"] and 0 < document["recall"] <= 1
    assert ", f1 0." in run("evaluate", "a").stdout
    assert "test f1 0." in train("--epochs", 1, *options, "--quiet").stdout
    assert "did you mean 'recall'" in only_line(train("--metrics", "recal", code=2))


def test_a_model_file_can_name_a_schedule():
    table = '{name = "step", initial_learning_rate = 0.5, decay_steps = 7}'
    optimizer = f'[optimizer]\nname = "sgd"\nlearning_rate = {table}\n[[layers]]'
    Path("net.toml").write_text(NET.replace("[[layers]]", optimizer, 1))
    train("--epochs", 1, "--out", "a", "--lr", 0.2)
    rate = load_model("a/checkpoint.safetensors").optimizer.learning_rate
    assert (rate.initial_learning_rate, rate.decay_steps) == (0.2, 7)
    assert json.loads(Path("a/run.json").read_text())["arguments"]["lr"] == 0.2


def test_the_bare_command_learns_digits():
    document = json.loads(run("train", "--json", "--epochs", 6).stdout)
    assert document["data"] == "digits" and document["test_accuracy"] > 0.95


def test_a_folder_of_photographs_is_shrunk():
    cv2 = pytest.importorskip("cv2")
    for k in range(20):
        Path("photos", "ab"[k % 2]).mkdir(parents=True, exist_ok=True)
        picture = np.full((150, 200, 3), 40 + 120 * (k % 2) + k, np.uint8)
        cv2.imwrite(f"photos/{'ab'[k % 2]}/{k}.png", picture)
    options = ("train", "--data", "photos", "--threads", 1, "--epochs", 1, "--json")
    document, place = json.loads(run(*options).stdout), "runs/photos-keras_cifar"
    assert document["model_path"] == f"{place}/model.safetensors"
    assert json.loads(Path(place, "run.json").read_text())["data"]["image_shape"] == [48, 64, 3]
    resumed = json.loads(run("train", "--resume", place, "--json").stdout)
    assert resumed["weights_sha256"] == document["weights_sha256"]


# ---- resume and interrupts


def test_resume_with_more_epochs_gives_the_same_bits():
    whole = train_json("--epochs", 3, "--out", "whole")
    train("--epochs", 1, "--out", "part")
    resumed = json.loads(run("train", "--resume", "part", "--epochs", 3, "--json").stdout)
    assert resumed["weights_sha256"] == whole["weights_sha256"]
    rows = [json.loads(line) for line in Path("part/history.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3]


def test_resume_of_a_finished_run_reports_it_again():
    first = train_json("--epochs", 2, "--out", "a")
    again = json.loads(run("train", "--resume", "a/checkpoint.safetensors", "--json").stdout)
    for key in ("weights_sha256", "test_accuracy", "epochs"):
        assert again[key] == first[key]


@pytest.mark.parametrize("number", [*SIGNALS, signal.SIGKILL])
def test_a_stopped_process_is_resumed_with_the_same_bits(number):
    save_images("images.npz", 60_000)  # an epoch takes far longer than the checkpoint between two
    options = ("train", "--data", "images.npz", "--model", "net.toml", "--batch-size", 4)
    command = [sys.executable, "-m", "fastcnn", *map(str, options)]
    process = start(*command, "--epochs", "1000", "--out", "stopped", "--json")
    while "epoch    1/1000" not in process.stderr.readline():
        assert process.poll() is None
    time.sleep(0.1)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    if number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 128 + number and "Traceback" not in errors
        document = json.loads(output)
        assert document["status"] == "interrupted" and document["batch"] > 0
        assert document["resume"] == "fastcnn train --resume stopped"
        assert errors.splitlines()[-1].endswith("go on with: fastcnn train --resume stopped")
    done = load_model("stopped/checkpoint.safetensors").progress.epoch
    resumed = run("train", "--resume", "stopped", "--epochs", done + 1, "--json")
    whole = run(*options, "--epochs", done + 1, "--out", "whole", "--json")
    both = [json.loads(result.stdout) for result in (resumed, whole)]
    assert both[0]["weights_sha256"] == both[1]["weights_sha256"]
    assert both[0]["test_loss"] == both[1]["test_loss"]


def test_resume_names_conflicting_options():
    train("--epochs", 2, "--out", "a")
    conflicts = ["--lr", 0.5, "--seed", 3, "--batch-size", 8]
    line = only_line(run("train", "--resume", "a", *conflicts, code=2))
    assert all(f"--{name} " in line for name in ("lr", "seed"))
    assert "--batch-size" not in line  # the same value is no conflict
    assert "epoch 2 already" in only_line(run("train", "--resume", "a", "--epochs", 1, code=2))


def test_resume_needs_the_same_data():
    train("--epochs", 1, "--out", "a")
    save_images("images.npz", 123)
    assert "or no longer, the data of this run" in only_line(run("train", "--resume", "a", code=1))


@pytest.mark.parametrize("moved", ["b/images.npz", "b/other.npz", "b.npz"])
def test_data_may_move(moved):
    """The same images at another place: the resumed run has the bits of one without a stop."""
    train("--epochs", 2, "--out", "whole")
    train("--epochs", 1, "--out", "a")
    Path("b").mkdir()
    Path("images.npz").rename(moved)
    line = only_line(run("train", "--resume", "a", "--epochs", 2, code=1))
    assert "if the data moved: --resume a --data PATH" in line
    run("train", "--resume", "a", "--epochs", 2, "--data", moved)
    records = [json.loads(Path(name, "run.json").read_text()) for name in ("whole", "a")]
    assert len({record["results"]["weights_sha256"] for record in records}) == 1
    assert records[1]["arguments"]["data"] == str(Path(moved).absolute())
    run("train", "--resume", "a", "--epochs", 3)


OTHERS = {
    "more images": ({"count": 123}, "test images: 25, not 24"),
    "other pixels": (
        {"x": np.zeros((120, 8, 8, 1), np.uint8)},
        "data of this run (a/run.json): sha",
    ),
    "another size": (
        {"x": np.ones((120, 9, 8, 1), np.uint8)},
        "data of this run (a/run.json): sha",
    ),
    "other classes": ({"y": np.arange(120) % 3 + 4}, "classes: 3 (4, 5, 6), not 3 (0, 1, 2)"),
}


@pytest.mark.parametrize("changes, words", OTHERS.values(), ids=OTHERS)
def test_other_data_are_refused(changes, words):
    train("--epochs", 1, "--out", "a")
    save_images("b.npz", **{"count": 120, **changes})
    before = Path("a/run.json").read_bytes()
    assert words in only_line(run("train", "--resume", "a", "--data", "b.npz", code=1))
    assert Path("a/run.json").read_bytes() == before


def test_divergence_keeps_the_last_good_checkpoint():
    options = ("--optimizer", "sgd", "--lr", 1e30, "--epochs", 5, "--out", "a", "--quiet")
    line = only_line(train(*options, code=3))
    assert "smaller learning rate" in line and "a/checkpoint.safetensors" in line
    weights = load_model("a/checkpoint.safetensors").get_weights()
    assert all(np.isfinite(w).all() for w in weights.values())
    assert json.loads(Path("a/run.json").read_text())["status"] == "diverged"


def test_an_end_that_cannot_learn_leaves_no_folder():
    Path("net.toml").write_text(NET.replace("softmax", "relu"))
    line = only_line(train("--epochs", 1, "--out", "a", code=2))
    assert 'end with activation="softmax"' in line and not Path("a").exists()


def test_an_end_that_looks_like_a_mistake_is_a_note():
    Path("net.toml").write_text(NET.replace("softmax", "sigmoid"))
    with pytest.warns(SetupWarning, match="takes probabilities of classes") as heard:
        train("--epochs", 1, "--out", "a")
    (warning,) = heard
    line = _warning_line(warning.message, warning.category)
    assert line.startswith("fastcnn: note: the loss sparse_categorical_crossentropy takes")
