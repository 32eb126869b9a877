"""Every registered regularizer: its value in the loss, its gradient in training, its options."""

import numpy as np
import pytest

from fastcnn import Sequential
from fastcnn import layers as L
from fastcnn import regularizers as faces
from fastcnn.engine.regularizer import penalty_value
from fastcnn.errors import OptionError
from fastcnn.kernels.backends import BACKENDS
from fastcnn.plugins.registry import regularizers as registry


def cosines(kernel):
    """Mean |cosine| of all pairs of rows."""
    rows = kernel.reshape(len(kernel), -1)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return np.abs(rows @ rows.T)[np.triu_indices(len(rows), 1)].mean()


CASES = [
    ("l1", {"l1": 0.5}, lambda k: 0.5 * np.abs(k).sum()),
    ("l2", {"l2": 0.5}, lambda k: 0.5 * (k**2).sum()),
    ("l1l2", {"l1": 0.5, "l2": 2.0}, lambda k: 0.5 * np.abs(k).sum() + 2 * (k**2).sum()),
    ("orthogonal", {"factor": 0.5, "mode": "columns"}, lambda k: 0.5 * cosines(k)),
    ("orthogonal", {"factor": 0.5}, lambda k: 0.5 * cosines(k.reshape(len(k), -1).T)),
]
X = np.random.default_rng(0).integers(0, 256, (8, 5, 5, 1), dtype=np.uint8)
Y = np.arange(8) % 3


def test_every_regularizer_is_tested_and_has_a_face():
    assert {name for name, *_ in CASES} == set(registry.names())
    assert {
        getattr(faces, name).registered_name for name in faces.__all__ if name != "Regularizer"
    } == set(registry.names())


def trained(layer, backend, epochs=1, optimizer=None):
    net = [L.Conv2D(3, 2), L.Flatten(), L.Dense(3, activation="softmax")]
    net[0 if isinstance(layer, L.Conv2D) else 2] = layer
    dtype = "float64" if backend == "reference" else "float32"
    model = Sequential(net, (5, 5, 1), seed=2, backend=backend, dtype=dtype)
    model.compile(optimizer or {"name": "sgd", "learning_rate": 1e-3})
    before = model.get_weights()
    model.fit(X, Y, epochs=epochs, verbose=0)
    return model, before


LAYERS = {
    "conv2d": lambda **options: L.Conv2D(3, 2, **options),
    "dense": lambda **options: L.Dense(3, activation="softmax", **options),
}


@pytest.mark.parametrize(("name", "options", "formula"), CASES)
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_value_and_gradient(name, options, formula, layer, backend):
    """The loss has the formula's value; one step of SGD moves by its slope besides the data's."""
    table = {"name": name, **options}
    model, before = trained(LAYERS[layer](kernel_regularizer=table), backend)
    plain, _ = trained(LAYERS[layer](), backend)
    key = f"{layer}/kernel"
    kernel = model.get_weights()[key].astype(np.float64)
    expected = formula(kernel)
    assert penalty_value(model.store, backend) == pytest.approx(expected, rel=1e-5)
    moved = (plain.get_weights()[key] - model.get_weights()[key]).astype(np.float64) / 1e-3
    start = before[key].astype(np.float64)
    for place in np.ndindex(start.shape):
        up, down = start.copy(), start.copy()
        up[place] += 1e-6
        down[place] -= 1e-6
        slope = (formula(up) - formula(down)) / 2e-6
        tolerance = 1e-6 if backend == "reference" else 2e-3
        assert moved[place] == pytest.approx(slope, rel=tolerance, abs=tolerance)


def test_activity_penalties_are_means_over_images():
    """The loss rises by the penalty of one image on the average; predictions stay."""
    plain, _ = trained(LAYERS["conv2d"](), "native", 0)
    penalty = {"name": "l1l2", "l1": 0.1, "l2": 0.2}
    model, _ = trained(LAYERS["conv2d"](activity_regularizer=penalty), "native", 0)
    out = Sequential([L.Conv2D(3, 2), L.Flatten()], (5, 5, 1))
    out.set_weights({k: v for k, v in plain.get_weights().items() if "conv2d" in k})
    activity = out.predict(X).astype(np.float64)
    extra = (0.1 * np.abs(activity) + 0.2 * activity**2).sum(axis=1).mean()
    loss = plain.evaluate(X[:7], Y[:7])["loss"]
    seven = (0.1 * np.abs(activity[:7]) + 0.2 * activity[:7] ** 2).sum(axis=1).mean()
    assert model.evaluate(X[:7], Y[:7])["loss"] == pytest.approx(loss + seven, rel=1e-5)
    loss = plain.evaluate(X, Y)["loss"]
    assert model.evaluate(X, Y)["loss"] == pytest.approx(loss + extra, rel=1e-5)
    assert np.array_equal(model.predict(X), plain.predict(X))


def test_an_activity_penalty_shrinks_activations():
    sizes = []
    for penalty in (None, {"name": "l2", "l2": 0.1}):
        layer = LAYERS["conv2d"](activation="relu", activity_regularizer=penalty)
        model, _ = trained(layer, "native", 20, {"name": "adam", "learning_rate": 0.01})
        out = Sequential([L.Conv2D(3, 2, activation="relu"), L.Flatten()], (5, 5, 1))
        out.set_weights({k: v for k, v in model.get_weights().items() if "conv2d" in k})
        sizes.append(np.square(out.predict(X)).sum())
    assert sizes[1] < 0.5 * sizes[0]


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (lambda: L.Dense(3, kernel_regularizer={"name": "l1", "l1": -1}), "l1 must be 0 or"),
        (lambda: L.Dense(3, kernel_regularizer={"name": "orthogonal", "mode": "x"}), "rows"),
        (lambda: L.Dense(3, activity_regularizer="orthogonal"), "must be l1, l2 or l1l2"),
        (lambda: L.Dense(3, bias_regularizer="l3"), "unknown regularizer 'l3'"),
    ],
)
def test_mistakes_are_named(layer, words):
    with pytest.raises(OptionError, match=words):
        Sequential([L.Flatten(), layer()], (5, 5, 1))
