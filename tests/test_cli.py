"""The command line: what is printed, written and returned, here and in real processes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import fastcnn
from fastcnn.cli import main
from fastcnn.saving import load_model

NET = """
name = "tiny"
[[layers]]
type = "conv2d"
filters = 4
kernel_size = 3
padding = "same"
activation = "relu"
[[layers]]
type = "max_pooling2d"
pool_size = 2
[[layers]]
type = "flatten"
[[layers]]
type = "dropout"
rate = 0.1
[[layers]]
type = "dense"
units = "classes"
activation = "softmax"
"""
JSON_KEYS = {
    *("test_accuracy", "train_accuracy", "epochs", "seconds", "images_per_second", "parameters"),
    *("seed", "threads", "backend", "isa", "model_path", "weights_sha256"),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder with a net and images of three classes that differ in brightness."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (tmp_path / "net.toml").write_text(NET)
    save_images("images.npz", 120)
    return tmp_path


def save_images(path, count, **changes):
    random = np.random.default_rng(0)
    labels = np.arange(count) % 3
    images = random.integers(0, 60, (count, 8, 8, 1)) + 90 * labels[:, None, None, None]
    np.savez(path, **{"x": images.astype(np.uint8), "y": labels, **changes})


def run(*arguments, code=0):
    """The outcome of a command that must end with this exit code."""
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == code, (result.output, result.exception)
    return result


def train(*arguments, code=0):
    base = ["train", "--data", "images.npz", "--model", "net.toml", "--batch-size", 8]
    return run(*base, "--threads", 1, *arguments, code=code)


def train_json(*arguments):
    return json.loads(train("--json", *arguments).stdout)


def start(*command):
    """A real process; it finds the same fastcnn from any folder."""
    environment = {**os.environ, "PYTHONPATH": str(Path(fastcnn.__file__).parents[1])}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)


def only_line(result):
    """The error, which must be one line without a traceback."""
    assert result.stdout == ""
    lines = [line for line in result.stderr.splitlines() if line.startswith("fastcnn: ")]
    assert len(lines) == 1 and "Traceback" not in result.stderr, result.stderr
    assert result.stderr.splitlines()[-1] == lines[0]
    return lines[0]


# ---- help


def test_help_names_commands_and_exit_codes():
    words = ("train", "evaluate", "predict", "summary", "models", "doctor", "130")
    assert all(word in run("--help").stdout for word in words)


def test_help_imports_nothing_heavy():
    heavy = "{'numpy', 'rich', 'matplotlib', 'cv2', 'sklearn', 'safetensors', 'pooch'}"
    code = (
        "import sys, fastcnn.cli\n"
        "try: fastcnn.cli.main(['train', '--help'])\n"
        f"finally: assert not {heavy} & set(sys.modules), sys.modules"
    )
    process = start(sys.executable, "-c", code)
    assert "--momentum" in process.communicate()[0] and process.returncode == 0


# ---- train


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
    document, folder = json.loads(run(*options).stdout), "runs/photos-keras_cifar"
    assert document["model_path"] == f"{folder}/model.safetensors"
    assert json.loads(Path(folder, "run.json").read_text())["data"]["image_shape"] == [48, 64, 3]
    resumed = json.loads(run("train", "--resume", folder, "--json").stdout)
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_process_is_resumed_with_the_same_bits(number):
    save_images("images.npz", 60_000)  # an epoch takes far longer than the checkpoint between two
    options = ("train", "--data", "images.npz", "--model", "net.toml", "--batch-size", 4)
    command = [sys.executable, "-m", "fastcnn.cli", *map(str, options)]
    process = start(*command, "--epochs", "1000", "--out", "stopped", "--json")
    while "epoch    1/1000" not in process.stderr.readline():
        assert process.poll() is None
    time.sleep(0.1)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    if number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 130 and "Traceback" not in errors
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
    conflicts = ["--lr", 0.5, "--seed", 3, "--data", "digits", "--batch-size", 8]
    line = only_line(run("train", "--resume", "a", *conflicts, code=2))
    assert all(f"--{name} " in line for name in ("lr", "seed", "data"))
    assert "--batch-size" not in line  # the same value is no conflict
    assert "epoch 2 already" in only_line(run("train", "--resume", "a", "--epochs", 1, code=2))


def test_resume_needs_the_same_data():
    train("--epochs", 1, "--out", "a")
    save_images("images.npz", 123)
    assert "no longer the data of this run" in only_line(run("train", "--resume", "a", code=1))


def test_divergence_keeps_the_last_good_checkpoint():
    options = ("--optimizer", "sgd", "--lr", 1e30, "--epochs", 5, "--out", "a", "--quiet")
    line = only_line(train(*options, code=3))
    assert "smaller learning rate" in line and "a/checkpoint.safetensors" in line
    weights = load_model("a/checkpoint.safetensors").get_weights()
    assert all(np.isfinite(w).all() for w in weights.values())
    assert json.loads(Path("a/run.json").read_text())["status"] == "diverged"


# ---- errors


def images_with(value):
    images = np.zeros((12, 8, 8, 1), np.float32)
    images[5, 0, 0] = value
    return images


ERRORS = {
    "unknown data": (["--data", "mnits"], 2, "did you mean 'mnist'"),
    "missing file": (["--data", "no/where.npz"], 1, "no/where.npz"),
    "no data set": (["--data", "net.toml"], 1, "net.toml"),
    "damaged npz": (["--data", "damaged.npz"], 1, "damaged.npz"),
    "NaN": (["--data", "nan.npz"], 1, "nan"),
    "no images": (["--data", "empty.npz"], 1, "no images"),
    "negative label": (["--data", "negative.npz"], 1, "-1"),
    "unknown model": (["--model", "lenet"], 2, "did you mean 'lenet5'"),
    "missing toml": (["--model", "none.toml"], 1, "none.toml"),
    "unknown layer": (["--model", "layer.toml"], 2, "layer 1"),
    "kernel too large": (["--model", "large.toml"], 1, "larger than the"),
    "unknown optimizer": (["--optimizer", "adm"], 2, "did you mean 'adam'"),
    "no momentum in adam": (["--momentum", "0.5"], 2, "momentum"),
    "too many threads": (["--threads", "100000"], 2, "1024"),
    "negative rate": (["--lr", "-1"], 2, "learning_rate"),
    "unknown schedule": (["--schedule", "cosin"], 2, "did you mean 'cosine'"),
    "schedule without its options": (["--schedule", "step"], 2, "decay_steps"),
    "no such folder": (["--data-dir", "nowhere", "--data", "mnist"], 1, "nowhere"),
    "resume nothing": (["--resume", "nowhere"], 1, "nowhere"),
    "out is a file": (["--out", "net.toml/x"], 1, "net.toml/x"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_one_line_and_leave_nothing_behind(name):
    save_images("nan.npz", 12, x=images_with(np.nan))
    save_images("negative.npz", 12, y=np.arange(12) - 1)
    np.savez("empty.npz", x=np.zeros((0, 8, 8, 1), np.uint8), y=np.zeros(0, np.int64))
    Path("damaged.npz").write_bytes(Path("images.npz").read_bytes()[:300])
    Path("layer.toml").write_text(NET.replace("conv2d", "conv2"))
    Path("large.toml").write_text(NET.replace('padding = "same"', "").replace("= 3", "= 9"))
    before = sorted(Path().rglob("*"))
    arguments, code, words = ERRORS[name]
    assert words in only_line(train(*arguments, code=code))
    assert sorted(Path().rglob("*")) == before


def test_debug_shows_the_traceback():
    result = train("--data", "none.npz", "--debug", code=1)
    assert "Traceback" in result.stderr


def test_a_full_disk_is_one_line_and_keeps_the_last_checkpoint():
    train("--epochs", 1, "--out", "a")
    before = Path("a/checkpoint.safetensors").read_bytes()
    limit = (len(before) - 1) // 1024  # kilobytes; larger files can't be written
    command = f"ulimit -f {limit}; exec {sys.executable} -m fastcnn.cli train --resume a --epochs 9"
    process = start("bash", "-c", command)
    output, errors = process.communicate()
    assert process.returncode == 1 and output == ""
    assert "File too large" in errors.splitlines()[-1] and "Traceback" not in errors
    assert Path("a/checkpoint.safetensors").read_bytes() == before
    assert not [p for p in Path("a").iterdir() if p.name.startswith(".")]


# ---- the other commands


def test_evaluate_knows_the_data_of_the_run():
    trained = train_json("--epochs", 3, "--lr", 0.01, "--out", "a")
    document = json.loads(run("evaluate", "a", "--json").stdout)
    assert document["accuracy"] == trained["test_accuracy"]
    assert document["loss"] == pytest.approx(trained["test_loss"], rel=1e-6)
    assert [row["images"] for row in document["classes"].values()] == [8, 8, 8]
    everything = run("evaluate", "a/model.safetensors", "--data", "images.npz", "--part", "all")
    assert "120" in everything.stdout


def test_evaluate_refuses_other_data():
    train("--epochs", 1, "--out", "a")
    assert "other classes" in only_line(run("evaluate", "a", "--data", "digits", code=1))
    shutil.move("a/model.safetensors", "alone.safetensors")
    assert "give --data" in only_line(run("evaluate", "alone.safetensors", code=2))


@pytest.mark.parametrize("content", [b"", b"garbage" * 9, None])
def test_damaged_model_files(content):
    train("--epochs", 1, "--out", "a")
    model = Path("a/model.safetensors")
    model.write_bytes(model.read_bytes()[:-100] if content is None else content)
    assert "model.safetensors" in only_line(run("evaluate", "a", code=1))
    assert "none.safetensors" in only_line(run("predict", "none.safetensors", "x.png", code=1))


def test_predict_names_classes():
    cv2 = pytest.importorskip("cv2")
    train("--epochs", 8, "--lr", 0.02, "--out", "a")
    for label in range(3):
        cv2.imwrite(f"{label}.png", np.full((20, 30, 3), 30 + 90 * label, np.uint8))
    pictures = ["0.png", "1.png", "2.png"]
    rows = json.loads(run("predict", "a", *pictures, "--top", 2, "--json").stdout)
    assert [row["image"] for row in rows] == pictures
    assert [row["classes"][0]["class"] for row in rows] == ["0", "1", "2"]
    assert all(len(row["classes"]) == 2 for row in rows)
    assert "2.png" in run("predict", "a", *pictures).stdout
    assert "net.toml" in only_line(run("predict", "a", "net.toml", code=1))


def test_predict_refuses_a_model_of_other_pixel_values():
    cv2 = pytest.importorskip("cv2")
    random = np.random.default_rng(0).random((120, 8, 8, 1), np.float32)
    save_images("images.npz", 120, x=random)
    train("--epochs", 1, "--out", "a")
    cv2.imwrite("x.png", np.full((8, 8), 200, np.uint8))
    assert "pixel values" in only_line(run("predict", "a", "x.png", code=1))


def test_summary_of_names_files_and_runs():
    assert "28x28x1" in run("summary", "lenet5").stdout
    assert "32x48x3" in run("summary", "net.toml", "--input-shape", "32x48x3").stdout
    train("--epochs", 1, "--out", "a")
    assert run("summary", "a").stdout == run("summary", "a/model.safetensors").stdout
    assert "did you mean" in only_line(run("summary", "lenet", code=2))
    run("summary", "lenet5", "--input-shape", "3x3", code=2)


def test_summary_of_kernels():
    """Which kernels compute a layer; there is no gradient of the images."""
    text = run("summary", "net.toml", "--kernels", "--batch-size", "16", "--threads", "1").stdout
    rows = [line.split()[:3] for line in text.splitlines() if "conv2d" in line and "_" in line]
    directions = [row[1] for row in rows]
    assert directions.count("forward") == directions.count("weight") > 0
    assert directions.count("input") == directions.count("forward") - 1


def test_summary_of_the_plan():
    """Every step of a training batch and of a prediction, and which ones carry blocks."""
    text = run("summary", "net.toml", "--plan", "--batch-size", "32").stdout
    assert text.count("steps for 32 samples") == 2 and " gather_images " in text
    assert "train: " in text and "predict: " in text
    assert "blocks are carried one by one through steps 0 to " in text
    assert any(line.split()[1:2] == ["conv2d_max_pool_forward"] for line in text.splitlines())


def test_models_lists_every_registered_model():
    from fastcnn.plugins.registry import models

    networks = run("models").stdout.partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in networks[1:]] == models.names()


def test_backends(monkeypatch):
    """By option, else by FASTCNN_BACKEND; the record says which; a run goes on with its own."""
    document = json.loads(train("--epochs", 1, "--backend", "numba", "--json").stdout)
    record = json.loads(Path("runs/images-tiny/run.json").read_text())
    assert document["backend"] == record["backend"] == record["results"]["backend"] == "numba"
    resumed = run("train", "--resume", "runs/images-tiny", "--epochs", 2, "--json")
    assert json.loads(resumed.stdout)["backend"] == "numba" and "numba" in resumed.stderr
    error = only_line(run("train", "--resume", "runs/images-tiny", "--backend", "native", code=2))
    assert "--backend native (the run has numba)" in error
    monkeypatch.setenv("FASTCNN_BACKEND", "reference")
    evaluated = run("evaluate", "runs/images-tiny", "--json")
    assert json.loads(evaluated.stdout)["backend"] == "reference"
    evaluated = run("evaluate", "runs/images-tiny", "--backend", "numba", "--json")
    assert json.loads(evaluated.stdout)["backend"] == "numba"
    assert json.loads(run("doctor", "--json").stdout)["backend"] == "reference"
    monkeypatch.setenv("FASTCNN_BACKEND", "cuda")
    assert "FASTCNN_BACKEND 'cuda'" in only_line(run("evaluate", "runs/images-tiny", code=2))


def test_doctor_finds_kernels_and_data():
    report = json.loads(run("doctor", "--json").stdout)
    assert report["ok"] and report["self_check"]["ok"]
    assert report["isa"] in report["isas"] and report["data"]["digits"] == "built in"
    assert report["backend"] == "native" and report["backends"] == ["native", "numba", "reference"]
    assert "all well" in run("doctor").stdout
    assert "nowhere" in only_line(run("doctor", "--data-dir", "nowhere", code=1))
