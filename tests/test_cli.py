"""The command line: what is printed, written and returned, here and in real processes."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cli_runs import NET, folder, only_line, run, save_images, start, train, train_json  # noqa: F401

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
    command = f"ulimit -f {limit}; exec {sys.executable} -m fastcnn train --resume a --epochs 9"
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
    cv2.imwrite("x.png", np.full((8, 8), 200, np.uint8))
    for name, x, code in (("a", random, 0), ("b", 255 * random, 0), ("c", 2 * random - 1, 1)):
        save_images("images.npz", 120, x=x)
        train("--epochs", 1, "--out", name)
        result = run("predict", name, "x.png", code=code)
    assert "0 to 255 (uint8), but the model was trained on -1 to 0.99" in only_line(result)


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
