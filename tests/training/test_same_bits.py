"""One seed, the same bits: at any number of threads, in every run, and across save and resume."""

import multiprocessing
import os
import subprocess
import sys

import numpy as np
import pytest

from fastcnn import Sequential, load_model
from fastcnn import layers as L
from fastcnn.engine.callback import Callback
from fastcnn.plugins.registry import optimizers as registry

IMAGES = np.random.default_rng(0).integers(0, 256, (200, 12, 12, 3), dtype=np.uint8)
LABELS = np.random.default_rng(1).integers(0, 5, 200)
OPTIMIZERS = [
    *registry.names(),
    {"name": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    {"name": "adam", "global_clipnorm": 0.1},
    {
        "name": "adam",
        "learning_rate": {"name": "cosine", "initial_learning_rate": 0.01, "decay_steps": 60},
    },
]


def make_model(threads, optimizer="adam", seed=3, backend="native"):
    model = Sequential(
        [
            L.Conv2D(10, 5, padding="same", activation="relu", kernel_regularizer="l2"),
            L.MaxPooling2D(2),
            L.Conv2D(12, 3, strides=1, padding="same"),
            L.BatchNormalization(),
            L.Activation("relu"),
            L.AveragePooling2D(2),
            L.Dropout(0.3),
            L.Flatten(),
            L.Dense(33, activation="tanh"),
            L.Dropout(0.2),
            L.Dense(5, activation="softmax"),
        ],
        seed=seed,
        threads=threads,
        backend=backend,
    )
    model.compile(optimizer)
    return model


class StopAfter(Callback):
    def __init__(self, steps):
        self.steps = steps

    def on_batch_end(self, batch, logs):
        if self.model.optimizer.iterations >= self.steps:
            self.model.stop_training = True


def train(model, steps, batch_size):
    """Train to this many steps in all, counting those that the model already made."""
    if model.optimizer.registered_name == "lbfgs":
        batch_size, steps = len(IMAGES), steps // 5
    epochs = -(-steps // -(-len(IMAGES) // batch_size))
    options = {"batch_size": batch_size, "epochs": epochs, "verbose": 0}
    model.fit(IMAGES, LABELS, callbacks=[StopAfter(steps)], **options)
    assert model.optimizer.iterations == steps
    return model


def assert_same_bits(a, b):
    for key, value in a.get_weights().items():
        assert np.array_equal(value, b.get_weights()[key]), key


@pytest.mark.parametrize("backend", ["native", "numba"])
@pytest.mark.parametrize("batch_size", [4, 36])
def test_threads_and_runs(batch_size, backend):
    one = train(make_model(1, backend=backend), 50, batch_size)
    for threads in (1, 2, 3):
        assert_same_bits(one, train(make_model(threads, backend=backend), 50, batch_size))


def test_another_seed_gives_other_bits():
    weights = [train(make_model(1, seed=seed), 5, 36).get_weights() for seed in (3, 4)]
    assert any(not np.array_equal(weights[0][k], weights[1][k]) for k in weights[0])


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_threads_of_every_optimizer(optimizer):
    one = train(make_model(1, optimizer), 6, 36)
    for threads in (2, 3):
        assert_same_bits(one, train(make_model(threads, optimizer), 6, 36))


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
@pytest.mark.parametrize("batch_size", [4, 36])
def test_save_and_resume_in_the_middle_of_an_epoch(tmp_path, optimizer, batch_size):
    straight = train(make_model(2, optimizer), 50, batch_size)
    half = train(make_model(2, optimizer), 25, batch_size)
    half.save(tmp_path / "half.safetensors")
    resumed = train(load_model(tmp_path / "half.safetensors", threads=1), 50, batch_size)
    assert_same_bits(straight, resumed)
    assert straight.history.history.keys() == resumed.history.history.keys()
    assert straight.history.history["loss"] == resumed.history.history["loss"]


def test_resuming_keeps_the_choice_of_fused_kernels(tmp_path):
    models = []
    for _ in range(2):
        models.append(make_model(2))
        models[-1].compile("adam", fuse=False)
    straight, half = train(models[0], 10, 36), train(models[1], 5, 36)
    half.save(tmp_path / "half.safetensors")
    loaded = load_model(tmp_path / "half.safetensors", threads=1)
    assert not loaded.fuse
    assert_same_bits(straight, train(loaded, 10, 36))


def test_a_loaded_model_predicts_the_same_bits(tmp_path):
    model = train(make_model(2), 5, 36)
    model.save(tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert np.array_equal(model.predict(IMAGES), loaded.predict(IMAGES))


def _child(queue):
    queue.put(train(make_model(2), 5, 36).get_weights())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_does_not_hang():
    parent = train(make_model(2), 5, 36)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_child, args=(queue,))
    child.start()
    weights = queue.get(timeout=60)
    child.join(60)
    assert child.exitcode == 0
    for key, value in parent.get_weights().items():
        assert np.array_equal(value, weights[key])


def test_omp_num_threads_is_obeyed():
    code = "from fastcnn.kernels.threads import default_threads; print(default_threads())"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "1"


def test_threadpoolctl_is_obeyed():
    from threadpoolctl import threadpool_limits

    from fastcnn.kernels.threads import default_threads

    with threadpool_limits(1):
        assert default_threads() == 1
