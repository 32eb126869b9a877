"""Which algorithm computes a convolution, and that it makes no difference but in the last bits."""

import copy

import numpy as np
import pytest

from fastcnn import Sequential
from fastcnn import layers as L
from fastcnn.engine.algorithms import Task, Winograd, choose
from fastcnn.engine.builder import Builder
from fastcnn.engine.convolution import Convolution
from fastcnn.engine.graph import Graph
from fastcnn.engine.parameters import ParameterStore
from fastcnn.saving import load_model

DIRECTIONS = ("forward", "backward_input", "backward_weight", "max_pool_backward_weight")
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(32, 12, 12, 24)).astype(np.float32)
LABELS = RNG.integers(0, 3, 32)


def net(**options):
    layers = [
        L.Conv2D(32, 3, padding="same", activation="relu"),
        L.Conv2D(32, 3, padding="same", activation="tanh"),
        L.MaxPooling2D(2),
        L.Conv2D(28, 5, padding="same", activation="relu"),
        L.MaxPooling2D(2),
        L.Flatten(),
        L.Dense(3, activation="softmax"),
    ]
    model = Sequential(layers, (12, 12, 24), **options)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    return model


def kernels(model, batch=32):
    """Names of the convolution kernels of a training step."""
    model.fit(IMAGES, LABELS, batch_size=batch, verbose=0)
    steps = model._plan("train", batch).program.step_seconds()
    return [name for name, _ in steps if name.startswith(("conv2d", "winograd"))]


def test_the_best_is_chosen_for_each_direction():
    chosen = kernels(net(backend="native"))
    assert chosen.count("winograd_forward") == 1
    assert chosen.count("winograd_max_pool_forward") == 2
    assert chosen.count("winograd_backward_input") == 2
    assert chosen.count("winograd_backward_weight") == chosen.count("winograd_weight_gradient") > 0


def test_frozen_layers_get_no_weight_gradient():
    model = net()
    model.layers[1].trainable = False
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    trained = net()
    assert kernels(model).count("winograd_backward_weight") + 1 == kernels(trained).count(
        "winograd_backward_weight"
    )


@pytest.mark.parametrize(
    ("channels", "filters", "kernel", "size", "batch", "directions"),
    [
        (64, 64, 3, 32, 128, "forward backward_input backward_weight max_pool_backward_weight"),
        (16, 16, 3, 32, 128, "forward backward_input backward_weight"),
        (20, 20, 5, 8, 128, "forward backward_input"),
        (3, 16, 3, 32, 128, ""),  # transforms cost more than they save
        (16, 18, 3, 9, 128, ""),  # 9 tiles of 16 pixels for 81 pixels
        (512, 512, 3, 4, 16, ""),  # packing the weights costs more than it saves
        (64, 64, 3, 2, 256, "forward backward_input backward_weight"),
        (64, 64, 4, 32, 128, ""),
    ],
)
def test_the_rule(channels, filters, kernel, size, batch, directions):
    """As measured; see docs/kernels.md."""
    store = ParameterStore(Graph((1, 1, 1)), 0, "float32")
    build = Builder(store, batch, 16, True, "native")
    pads = (kernel // 2, (kernel - 1) // 2) * 2
    conv = Convolution((size, size), (kernel, kernel), pads=pads)
    for direction in DIRECTIONS:
        chosen = choose(Task(build, conv, direction, channels, filters))
        assert isinstance(chosen, Winograd) == (direction in directions.split()), direction


@pytest.mark.parametrize("options", [{"winograd": False}, {"backend": "numba"}])
def test_direct_convolution_instead(options):
    pytest.importorskip("numba")
    assert not [k for k in kernels(net(**options)) if k.startswith("winograd")]


def test_small_batches_have_too_few_lanes():
    assert not [k for k in kernels(net(), batch=8) if k.startswith("winograd")]


def test_the_switch_in_the_environment(monkeypatch):
    monkeypatch.setenv("FASTCNN_WINOGRAD", "0")
    assert not net().winograd and net(winograd=True).winograd
    monkeypatch.setenv("FASTCNN_WINOGRAD", "1")
    assert net().winograd and not net(winograd=False).winograd


def test_the_choice_is_not_in_the_file(tmp_path):
    path = tmp_path / "model.safetensors"
    net(winograd=False).save(path)
    assert load_model(path).winograd and not load_model(path, winograd=False).winograd


def test_a_copy_keeps_the_switch():
    assert copy.deepcopy(net()).winograd and not copy.deepcopy(net(winograd=False)).winograd


def test_training_follows_direct_convolution():
    """The same curve of losses: differences stay near float32's rounding over 20 epochs."""
    curves = []
    for winograd in (True, False):
        history = net(winograd=winograd).fit(
            IMAGES, LABELS, batch_size=16, epochs=20, verbose=0, shuffle=False
        )
        curves.append(np.array(history.history["loss"]))
    assert curves[0][-1] < curves[0][0] / 4
    np.testing.assert_allclose(curves[0], curves[1], rtol=2e-3, atol=2e-4)


def test_any_number_of_threads_gives_the_same_bits():
    weights = []
    for threads in (1, 2, 3):
        model = net(threads=threads)
        model.fit(IMAGES, LABELS, batch_size=32, epochs=2, verbose=0)
        weights.append(np.concatenate([w.ravel() for w in model.get_weights().values()]))
    for others in weights[1:]:
        assert np.array_equal(weights[0], others)
