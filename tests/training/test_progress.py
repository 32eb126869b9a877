"""Progress lines and the picture of curves."""

import numpy as np
import pytest

from fastcnn.layers import Dense, Flatten
from fastcnn.sequential import Sequential
from fastcnn.training.curves import draw_curves
from fastcnn.training.progress import UNLIMITED, Throughput, epoch_line


def test_epoch_line():
    line = epoch_line(2, 20, {"loss": 0.5, "accuracy": 0.25, "seconds": 1.26})
    assert line == "epoch  3/20  1.3 s  loss 0.5000  accuracy 0.2500"
    assert epoch_line(2, UNLIMITED, {"loss": 0.5, "seconds": 1.26}).startswith("epoch   3  1.3 s")


def fit(callbacks, epochs=2):
    random = np.random.default_rng(0)
    model = Sequential([Flatten(), Dense(2, activation="softmax")], (3, 3, 1), threads=1)
    x, y = random.random((40, 3, 3, 1), np.float32), np.arange(40) % 2
    model.fit(x, y, batch_size=16, epochs=epochs, verbose=0, callbacks=callbacks)


def test_throughput_counts_images():
    meter = Throughput()
    fit([meter])
    assert meter.images == 80 and meter.images_per_second > 0


def test_the_bar_runs_and_prints_finished_epochs(capsys, monkeypatch):
    monkeypatch.setattr("fastcnn.plugins.callbacks.progress_bar.REDRAW_SECONDS", 0)
    fit(["progress_bar"])
    lines = capsys.readouterr().err.splitlines()
    assert [line[:9] for line in lines if "loss" in line][:2] == ["epoch 1/2", "epoch 2/2"]


@pytest.mark.parametrize("names", [["loss"], ["loss", "accuracy", "val_loss", "val_accuracy"]])
@pytest.mark.parametrize("epochs", [1, 40])
def test_curves_are_a_png(names, epochs):
    history = {name: list(np.linspace(1, 0.1, epochs)) for name in names}
    assert draw_curves(history, "net on data", "test").startswith(b"\x89PNG")
