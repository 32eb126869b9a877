"""Callbacks on the command line: options, model files, resuming, early ends."""

import json
from pathlib import Path

import numpy as np
import pytest

from fastcnn.commands import train as command
from fastcnn.saving import load_model
from tests.cli_runs import NET, folder, only_line, run, train, train_json  # noqa: F401

SPLIT = ("--validation", 0.25)


def resume(path, *options):
    return json.loads(run("train", "--resume", path, "--json", *options).stdout)


def arguments(path):
    return json.loads(Path(path, "run.json").read_text())["arguments"]


def test_early_stopping_is_a_finished_run_with_the_best_weights():
    options = ("--epochs", 60, "--lr", 0.02, "--early-stopping", 2, *SPLIT, "--out", "a")
    document = train_json(*options)
    assert document["status"] == "finished" and document["epochs"] < 60
    assert document["stopped"].startswith("val_loss is no better since epoch")
    rows = [json.loads(line) for line in Path("a/history.jsonl").read_text().splitlines()]
    assert len(rows) == document["epochs"]
    again = resume("a")
    for key in ("weights_sha256", "epochs", "stopped", "test_accuracy"):
        assert again[key] == document[key]
    assert resume("a", "--epochs", 70)["weights_sha256"] == document["weights_sha256"]


STATEFUL = [
    ("--early-stopping", 2),
    ("--ema", 0.9),
    ("--callback", "swa:start_epoch=1"),
    ("--callback", "reduce_lr_on_plateau:patience=0,min_delta=0.5,factor=0.5"),
    ("--callback", "time_budget:steps=31,anneal=cosine"),
    ("--ema", 0.9, "--early-stopping", 1, "--callback", "reduce_lr_on_plateau:patience=1"),
]


@pytest.mark.parametrize("options", STATEFUL, ids=lambda options: " ".join(map(str, options)))
def test_a_resumed_run_has_the_same_bits(options):
    whole = train_json("--epochs", 6, *SPLIT, *options, "--out", "whole")
    train("--epochs", 2, *SPLIT, *options, "--out", "part")
    resumed = resume("part", "--epochs", 6)
    for key in ("weights_sha256", "test_loss", "epochs", "stopped"):
        assert resumed[key] == whole[key], key


def test_an_interrupted_run_with_callbacks_has_the_same_bits(monkeypatch):
    from tests.plugins.callbacks.tiny import StopAfter

    options = ("--epochs", 5, *SPLIT, "--ema", 0.9, "--early-stopping", 3)
    whole = train_json(*options, "--out", "whole")
    made = command.make_callbacks
    with monkeypatch.context() as patch:
        patch.setattr(command, "make_callbacks", lambda tables: [*made(tables), StopAfter(13)])
        document = json.loads(train(*options, "--json", "--out", "part", code=130).stdout)
    assert document["status"] == "interrupted" and document["batch"]
    assert resume("part")["weights_sha256"] == whole["weights_sha256"]


def test_a_time_budget_ends_training_on_time():
    document = train_json("--time-budget", "1.5s", *SPLIT, "--out", "a")
    assert document["status"] == "finished" and document["seconds"] < 3
    assert "budget of 2 s" in document["stopped"] and document["epochs"] > 0
    assert load_model("a/checkpoint.safetensors").history.history["learning_rate"][-1] < 0.001
    result = train("--time-budget", "0.2s", *SPLIT)
    assert "budget of 0 s is used up" in result.stdout


def test_options_are_recorded_and_must_not_change():
    options = ("--callback", "csv_logger:filename=logs/a.csv", "--early-stopping", 3, "--ema", 0.5)
    train("--epochs", 1, *SPLIT, *options, "--out", "a")
    assert arguments("a")["callbacks"] == [
        {"name": "csv_logger", "filename": str(Path("logs/a.csv").absolute())},
        {"name": "early_stopping", "patience": 3},
        {"name": "ema", "decay": 0.5},
    ]
    run("train", "--resume", "a", *options)
    run("train", "--resume", "a", "--epochs", 2)
    assert len(Path("logs/a.csv").read_text().splitlines()) == 3
    others = ("--callback", "swa", "--ema", 0.6, "--early-stopping", 4)
    line = only_line(run("train", "--resume", "a", *others, code=2))
    assert all(f"--{name} " in line for name in ("callback", "ema", "early-stopping"))


def test_a_model_file_can_name_callbacks():
    tables = '[[callbacks]]\nname = "ema"\ndecay = 0.5\n[[callbacks]]\nname = "terminate_on_nan"\n'
    Path("net.toml").write_text(NET + tables)
    train("--epochs", 1, "--ema", 0.9, "--out", "a")
    expected = [{"name": "terminate_on_nan"}, {"name": "ema", "decay": 0.9}]
    assert arguments("a")["callbacks"] == expected
    Path("net.toml").write_text(NET + tables.replace("decay", "dekay"))
    line = only_line(train("--epochs", 1, code=2))
    assert "net.toml" in line and "did you mean 'decay'" in line


def test_choosing_by_the_test_set_is_pointed_out():
    words = "early_stopping will choose by the test set"
    early = ("--epochs", 1, "--early-stopping", 2)
    assert words in train(*early, "--validation", 0).stderr
    assert words not in train(*early, *SPLIT).stderr
    assert words not in train(*early).stderr


def test_divergence_with_a_calm_stop():
    options = ("--optimizer", "sgd", "--lr", 1e30, "--epochs", 5, "--callback", "terminate_on_nan")
    line = only_line(train(*options, "--out", "a", "--quiet", code=3))
    assert "a/checkpoint.safetensors" in line
    weights = load_model("a/checkpoint.safetensors").get_weights()
    assert all(np.isfinite(w).all() for w in weights.values())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--callback", "emma"), "did you mean 'ema'? (available: csv_logger, early_stopping"),
        (("--callback", "ema:dekay=1"), "did you mean 'decay'? (available: decay, warmup)"),
        (("--callback", "ema:decay"), "expected NAME or NAME:option=value"),
        (("--callback", "csv_logger"), "filename"),
        (("--callback", "learning_rate_scheduler:schedule=x"), "function"),
        (("--callback", "lr_finder"), "fastcnn lr-find"),
        (("--time-budget", "5x"), "30s, 5m or 1.5h"),
        (("--ema", "2"), "decay lies between 0 and 1"),
        (("--ema", "0.9", "--callback", "swa"), "swa and ema would both"),
    ],
)
def test_mistakes_are_one_line(options, words):
    before = sorted(Path().rglob("*"))
    assert words in only_line(train("--epochs", 1, *options, code=2))
    assert sorted(Path().rglob("*")) == before


def record(path):
    return json.loads(Path(path, "run.json").read_text())


WATCHING = [
    ("--early-stopping", 3),
    ("--callback", "early_stopping:patience=3,monitor=val_accuracy"),
    ("--callback", "reduce_lr_on_plateau:patience=1"),
    ("--callback", "model_checkpoint:filepath=best.safetensors,save_best_only=true"),
]


@pytest.mark.parametrize("options", WATCHING, ids=lambda options: options[-1])
def test_what_decides_by_val_figures_gets_a_tenth_of_the_training_images(options):
    said = train("--epochs", 2, *options, "--out", "a").stderr
    name = options[1].split(":")[0] if options[0] == "--callback" else "early_stopping"
    made = record("a")
    images, asked = made["data"]["images"], made["arguments"]["validation"]
    assert asked == 0.1 and made["val_figures_of"] == "validation"
    total = images["training"] + images["held_out"]
    assert images["held_out"] == round(total / 10)
    assert f"{name} will choose by {images['held_out']} training images that are held out" in said
    assert "flatters" not in said
    explicit = train_json("--epochs", 2, *options, "--validation", 0.1, "--out", "b")
    assert explicit["weights_sha256"] == made["results"]["weights_sha256"]
    resumed = resume("a", "--epochs", 3)
    whole = train_json("--epochs", 3, *options, "--out", "c")
    assert resumed["weights_sha256"] == whole["weights_sha256"]


NOT_WATCHING = [
    ("--callback", "early_stopping:patience=3,monitor=loss"),
    ("--callback", "model_checkpoint:filepath=every.safetensors"),
    ("--ema", 0.9),
]


@pytest.mark.parametrize("options", NOT_WATCHING, ids=lambda options: options[-1])
def test_what_does_not_decide_by_them_keeps_all_training_images(options):
    said = train("--epochs", 1, *options, "--out", "a").stderr
    assert record("a")["arguments"]["validation"] == 0 and "held out" not in said


def test_the_test_set_may_still_be_asked_for():
    train("--epochs", 1, "--early-stopping", 3, "--validation", 0, "--out", "a")
    assert record("a")["val_figures_of"] == "test"
