"""`fastcnn lr-find`."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli_runs import folder, only_line, run  # noqa: F401

BASE = ("lr-find", "--data", "images.npz", "--model", "net.toml", "--batch-size", 8)


def test_it_suggests_a_rate_that_trains_and_draws_a_picture():
    document = json.loads(run(*BASE, "--threads", 1, "--out", "x/a.png", "--json").stdout)
    assert 1e-4 < document["suggestion"] < 1
    assert len(document["rates"]) == len(document["losses"]) == len(document["smoothed"])
    assert Path("x/a.png").read_bytes().startswith(b"\x89PNG") and not Path("runs").exists()
    options = ("train", *BASE[1:], "--lr", document["suggestion"], "--epochs", 6, "--json")
    assert json.loads(run(*options).stdout)["test_accuracy"] > 0.9


def test_the_text_names_the_rate_and_the_picture():
    result = run(*BASE, "--optimizer", "sgd", "--steps", 20, "--max-lr", 0.1)
    assert "suggested learning rate 0.0" in result.stdout
    assert "20 batches, rates 1e-06 to 0.1, all learning rates were tried" in result.stdout
    assert Path("lr-find.png").exists()


def test_the_same_seed_suggests_the_same():
    documents = [
        json.loads(run(*BASE, "--seed", 3, "--threads", n, "--json").stdout) for n in (1, 2)
    ]
    assert documents[0]["losses"] == documents[1]["losses"]


def test_nothing_to_suggest():
    options = ("--optimizer", "sgd", "--min-lr", 1e20, "--max-lr", 1e30)
    assert "try smaller rates" in only_line(run(*BASE, *options, code=2))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--min-lr", 1, "--max-lr", 0.1), "must be positive and rise"),
        (("--out", "a.jpg"), ".png"),
        (("--model", "lenet"), "did you mean 'lenet5'"),
    ],
)
def test_mistakes_are_one_line(options, words):
    assert words in only_line(run(*BASE, *options, code=2))
    assert not list(Path().glob("*.png"))


def test_the_picture_survives_huge_losses():
    from fastcnn.training.lr_curve import draw_lr_curve

    rates = list(np.geomspace(1e-6, 1, 12))
    losses = [2.0] * 10 + [1.0, 1e30]
    assert draw_lr_curve(rates, losses, losses, 0.1, "x").startswith(b"\x89PNG")
