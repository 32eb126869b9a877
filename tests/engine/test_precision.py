"""precision="bf16": the kernels it chooses, that it trains as float32 does, who remembers it."""

import copy

import numpy as np
import pytest

from fastcnn import CNNClassifier, Sequential
from fastcnn import layers as L
from fastcnn.commands.kernel_rates import kernels_text
from fastcnn.errors import BackendError, OptionError
from fastcnn.saving import load_model

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 48)
IMAGES = RNG.normal(size=(48, 12, 12, 24)).astype(np.float32) + LABELS[:, None, None, None] / 4


def net(**options):
    layers = [
        L.Conv2D(32, 3, padding="same", activation="relu"),
        L.Conv2D(32, 3, strides=2, padding="same", activation="tanh"),
        L.Conv2D(32, 1),
        L.Conv2D(28, 5, padding="same", activation="relu"),
        L.Flatten(),
        L.Dense(40, activation="relu"),
        L.Dense(3, activation="softmax"),
    ]
    model = Sequential(layers, (12, 12, 24), **options)
    model.compile({"name": "sgd", "learning_rate": 0.02}, "sparse_categorical_crossentropy")
    return model


def kernels(model, batch=48):
    model.fit(IMAGES, LABELS, batch_size=batch, verbose=0)
    return model._plan("train", batch).program.kernels()


def test_all_directions_of_all_layers_that_gain():
    chosen = kernels(net(precision="bf16"))
    for direction in ("forward", "backward_input", "backward_weight"):
        assert f"winograd_bf16_{direction}" in chosen
        assert f"conv2d_bf16_{direction}" in chosen
        assert f"winograd_{direction}" not in chosen
    dense = [k for k in chosen if k.startswith("dense")]
    assert dense == ["dense_forward", "dense_backward_weight", "dense_backward_input"]  # the last


def test_float32_unless_asked_for():
    assert not [k for k in kernels(net()) if "bf16" in k]


def test_few_lanes_stay_float32():
    assert not [k for k in kernels(net(precision="bf16"), batch=8) if "bf16" in k]


def test_prediction_rounds_as_well():
    models = [net(precision=precision) for precision in ("float32", "bf16")]
    exact, rounded = (model.predict(IMAGES) for model in models)
    assert 0 < np.abs(exact - rounded).max() < 0.02


def test_a_step_rounds_as_much_as_the_reference():
    """Which way a number is rounded, later layers amplify; so errors are compared, not weights."""
    after = {}
    for backend, precision in (("native", "bf16"), ("reference", "bf16"), ("native", "float32")):
        model = net(precision=precision, backend=backend)
        before = model.get_weights()
        model.fit(IMAGES, LABELS, batch_size=48, verbose=0)
        changes = [model.get_weights()[k] - before[k] for k in before]
        after[backend, precision] = np.concatenate([c.ravel() for c in changes])
    native, reference, exact = after.values()
    error = np.linalg.norm(reference - exact)
    assert np.linalg.norm(native - exact) == pytest.approx(error, rel=0.5)
    assert error < 0.25 * np.linalg.norm(exact)


def test_training_follows_float32():
    curves = [
        net(precision=precision).fit(IMAGES, LABELS, batch_size=16, epochs=6, verbose=0)
        for precision in ("float32", "bf16")
    ]
    exact, rounded = (np.array(curve.history["loss"]) for curve in curves)
    assert exact[-1] < 0.7 * exact[0]
    np.testing.assert_allclose(rounded, exact, rtol=0.05)


@pytest.mark.parametrize("threads", [2, 3])
def test_same_bits_on_any_number_of_threads(threads):
    weights = []
    for number in (1, threads):
        model = net(precision="bf16", threads=number)
        model.fit(IMAGES, LABELS, batch_size=20, epochs=2, verbose=0)
        weights.append(model.get_weights())
    for key, value in weights[0].items():
        np.testing.assert_array_equal(value, weights[1][key])


def test_a_resumed_model_goes_on_in_bf16(tmp_path):
    whole, half = net(precision="bf16"), net(precision="bf16")
    whole.fit(IMAGES, LABELS, batch_size=16, epochs=2, verbose=0)
    half.fit(IMAGES, LABELS, batch_size=16, epochs=1, verbose=0)
    half.save(tmp_path / "half.safetensors")
    resumed = load_model(tmp_path / "half.safetensors")
    assert resumed.precision == "bf16"
    resumed.fit(IMAGES, LABELS, batch_size=16, epochs=1, verbose=0)
    for key, value in whole.get_weights().items():
        np.testing.assert_array_equal(value, resumed.get_weights()[key])
    again = load_model(tmp_path / "half.safetensors", precision="float32")
    assert again.precision == "float32"
    assert copy.deepcopy(resumed).precision == "bf16"


def test_the_variable(monkeypatch):
    monkeypatch.setenv("FASTCNN_PRECISION", "bf16")
    assert net().precision == "bf16" and net(precision="float32").precision == "float32"
    monkeypatch.setenv("FASTCNN_PRECISION", "fp8")
    with pytest.raises(OptionError, match="precision in FASTCNN_PRECISION 'fp8'"):
        net()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"precision": "fp16"}, OptionError, "unknown precision 'fp16'.*bf16, float32"),
        ({"backend": "numba"}, BackendError, "numba backend has no kernels for precision 'bf16'"),
        ({"backend": "reference", "dtype": "float64"}, OptionError, "not of float64"),
    ],
)
def test_what_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        net(**{"precision": "bf16", **options})


def test_kernels_are_shown():
    text = kernels_text(net(), 32, 1, "bf16")
    assert "winograd_bf16_forward" in text and "bf16\n" in text
    assert "bf16_" not in kernels_text(net(), 32, 1)


def test_estimators_take_it():
    layers = ["conv 32@3x3 relu", "conv 32@3x3 relu"]
    classifier = CNNClassifier(layers, precision="bf16", epochs=1, random_state=0)
    assert classifier.fit(IMAGES, LABELS).model_.precision == "bf16"
