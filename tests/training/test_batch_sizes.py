"""Calls of `fit` with different batch sizes on one model."""

import numpy as np
import pytest

from fastcnn import Sequential, load_model
from fastcnn import layers as L
from fastcnn.engine.callback import Callback
from fastcnn.engine.plan import Plan

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 6, 6, 1), dtype=np.uint8)
LABELS = np.random.default_rng(1).integers(0, 3, 40)


def small():
    net = [L.Conv2D(3, 3, activation="relu"), L.Flatten(), L.Dense(3, activation="softmax")]
    model = Sequential(net, threads=1)
    model.compile("adam")
    return model


def fit(model, batch_size, epochs, *callbacks):
    options = {"batch_size": batch_size, "epochs": epochs, "verbose": 0}
    model.fit(IMAGES, LABELS, callbacks=callbacks, **options)


class StopAfter(Callback):
    def __init__(self, batches):
        self.batches = batches

    def on_batch_end(self, batch, logs):
        self.model.stop_training = batch + 1 >= self.batches


def test_a_plan_that_is_used_again_has_the_running_numbers(tmp_path):
    """Adam's numbers change with every step; fresh plans come from a loaded model."""
    kept, fresh = small(), small()
    for epoch, batch_size in enumerate((8, 16, 8), 1):
        fit(kept, batch_size, epoch)
        fit(fresh, batch_size, epoch)
        fresh.save(tmp_path / "model.safetensors")
        fresh = load_model(tmp_path / "model.safetensors", threads=1)
    for key, value in fresh.get_weights().items():
        np.testing.assert_array_equal(kept.get_weights()[key], value)


def test_building_after_compile_makes_the_optimizers_state():
    model = small()
    model.build((6, 6, 1))
    fit(model, 8, 1)
    assert model.optimizer.iterations == 5


@pytest.mark.parametrize("batch_size", [8, 16, 5, 40])
def test_resuming_with_another_batch_size_sees_every_sample_once(monkeypatch, batch_size):
    seen, run = [], Plan.run

    def recorded(plan, order, threads):
        seen.extend(order)
        return run(plan, order, threads)

    monkeypatch.setattr(Plan, "run", recorded)
    model = small()
    fit(model, 8, 1, StopAfter(3))
    assert len(seen) == 24
    fit(model, batch_size, 1)
    assert sorted(seen) == list(range(40)) and model.progress.epoch == 1
